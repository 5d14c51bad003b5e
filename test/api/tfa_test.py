#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second factor: an authenticator app, the codes for when it is lost, and what they guard."""

import time
import unittest

from world import Person, World, totp

PASSWORD = "correct horse battery"


class SecondFactor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.sources = iter(f"127.1.{i}.{j}" for i in range(1, 50) for j in range(1, 250))

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def setUp(self):
        self.source = next(self.sources)

    def call(self, method, path, body=None, **more):
        return self.world.call(method, f"/api/v0{path}", body, source=self.source, **more)

    def refused(self, got, status, code):
        self.assertEqual((got[0], got[1]["error"]), (status, code), got)

    def enrolled(self, name):
        """Somebody with a key, and an app."""
        person = self.world.user(name)
        session = Person(self.world, person.id, self.world.session_of(person, PASSWORD))
        return person, self.world.second_factor(session)

    def log_in(self, name):
        status, reply = self.call("POST", "/sessions/", {"email": f"{name}@berth.test", "password": PASSWORD})
        self.assertEqual(status, 200, reply)
        return reply

    def test_logging_in_takes_both(self):
        ada, app = self.enrolled("ada")
        self.assertEqual(ada.ok("GET", "/api/v0/users/current/")["tfa_status"], "enabled")
        half = self.log_in("ada")
        self.assertEqual((half["tfa_required"], half["session_key"]), (True, None))
        # Half a session is good for nothing else.
        self.refused(self.call("GET", "/users/current/", key=half["secret"]), 401, "auth_error")
        self.refused(self.call("POST", "/tfa/", {"secret": half["secret"]}), 400, "missing_params")
        self.refused(self.call("POST", "/tfa/", {"secret": half["secret"], "code": "123456", "tfa_method": "sms"}),
                     400, "invalid_tfa_method")
        self.refused(self.call("POST", "/tfa/", {"secret": "0" * 64, "code": totp(app["seed"], 1)}),
                     400, "challenge_not_found")
        # The app's code was used when it was set up: the next one is another.
        self.refused(self.call("POST", "/tfa/", {"secret": half["secret"], "code": totp(app["seed"], -1)}),
                     400, "2fa_verification_failed")
        status, whole = self.call("POST", "/tfa/", {"secret": half["secret"], "code": totp(app["seed"], 1),
                                                    "tfa_method": "totp"})
        self.assertEqual((status, whole["user_id"]), (200, ada.id), whole)
        self.assertEqual(self.call("GET", "/users/current/", key=whole["session_key"])[0], 200)
        self.refused(self.call("POST", "/tfa/", {"secret": half["secret"], "code": totp(app["seed"], 1)}),
                     400, "challenge_not_found")

    def test_a_backup_code_is_good_once(self):
        _, app = self.enrolled("bo")
        self.assertEqual(len(set(app["codes"])), 10)
        for code, want in ((app["codes"][3], 200), (app["codes"][3], 401), ("AAAA-AAAA-AAAA", 401)):
            half = self.log_in("bo")
            status, reply = self.call("POST", "/tfa/", {"secret": half["secret"], "backup_code": code,
                                                        "tfa_method": "sms"})
            self.assertEqual(status, want, reply)
        self.assertEqual(self.call("POST", "/tfa/", {
            "secret": half["secret"], "backup_code": app["codes"][4]})[1]["backup_codes_remaining"], 8)

    def test_what_is_sensitive_wants_it_shown_lately(self):
        cy, app = self.enrolled("cy")
        for method, path, body in (
                ("PUT", "/users/password/", {"password": PASSWORD, "new_password": PASSWORD}),
                ("PUT", "/users/email/", {"password": PASSWORD, "email": "x@berth.test"}),
                ("POST", "/auth/apikeys/", {"name": "x", "permissions": {"api": {"misc": {}}}}),
                ("DELETE", f"/auth/apikeys/{cy.id}/", {}),
                ("POST", "/tfa/totp-setup/", {}), ("PUT", "/tfa/regen-backup-codes/", {}),
                ("DELETE", "/tfa/", {"target_id": app["id"]}),
                ("PUT", "/commands/transfer_credit/", {"sender": "me", "recipient": "bo@berth.test", "amount": 1})):
            got = self.call(method, path, body, key=cy.key)
            self.refused(got, 401, "auth_error")
            self.assertIn("Two Factor Authentication", got[1]["msg"])
        self.assertEqual(cy.call("GET", "/api/v0/users/current/")[0], 200)
        self.refused(cy.call("PUT", "/api/v0/tfa/authorize-new-method/", {"code": totp(app["seed"], 1)}),
                     403, "authorization_required")
        # As the client does it: with the key, and the session it gets in its place.
        status, session = self.call("POST", "/tfa/", {"code": totp(app["seed"], 1), "tfa_method": "totp"}, key=cy.key)
        self.assertEqual(status, 200, session)
        key = session["session_key"]
        fresh = self.call("PUT", "/tfa/regen-backup-codes/", {}, key=key)[1]["backup_codes"]
        self.assertFalse(set(fresh) & set(app["codes"]))
        self.assertEqual(self.call("POST", "/tfa/authorize-new-method/", {"backup_code": fresh[0]}, key=key)[1]["msg"],
                         "Authorization successful.")
        status, reply = self.call("DELETE", "/tfa/", {"target_id": app["id"]}, key=key)
        self.assertEqual((status, "remaining_methods" in reply), (200, False), reply)
        self.assertEqual(self.log_in("cy")["tfa_required"], False)

    def test_five_guesses_from_wherever_and_no_more(self):
        _, app = self.enrolled("di")
        for _ in range(5):
            self.source = next(self.sources)
            half = self.log_in("di")
            self.assertIn(self.call("POST", "/tfa/", {"secret": half["secret"], "code": "000000"})[0], (200, 400))
        status, reply, headers = self.world.call_whole("POST", "/api/v0/tfa/", {
            "secret": half["secret"], "code": totp(app["seed"], 1)}, source=self.source)
        self.refused((status, reply), 429, "rate_limit_exceeded")
        self.assertTrue(0 < int(headers["retry-after"]) <= 3600)
        # Backup codes are guesses at the same thing.
        self.assertEqual(self.call("POST", "/tfa/", {"secret": half["secret"], "backup_code": app["codes"][0]})[0], 429)

    def test_seeds_and_codes_are_nowhere(self):
        _, app = self.enrolled("ed")
        time.sleep(0.2)
        for path in self.world.data.rglob("*"):
            if path.is_file():
                for secret in (app["seed"], *app["codes"]):
                    self.assertNotIn(secret.encode(), path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main()
