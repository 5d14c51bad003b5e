#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sign-up, codes by mail, passwords, sessions in and out of a browser, and how guessing is slowed.

The mails are read as an operator without a mail server reads them: in the data folder's outbox.
"""

import re
import time
import unittest

from world import Person, World
from patience import wait_until

PASSWORD = "correct horse battery"
OTHER = "staple of another kind"


class Accounts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("--public-url", "https://berth.test").__enter__()
        cls.seen = set()
        cls.sources = iter(f"127.0.{i}.{j}" for i in range(1, 50) for j in range(1, 250))

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def setUp(self):
        self.source = next(self.sources)

    def call(self, method, path, body=None, **more):
        return self.world.call(method, f"/api/v0{path}", body, source=self.source, **more)

    def refused(self, got, status, code):
        self.assertEqual((got[0], got[1]["error"]), (status, code), got)

    def mails(self, to):
        """New ones to that address, oldest first."""
        new = [text for text in self.world.mails(to) if text not in self.seen]
        self.seen.update(new)
        return new

    def mail(self, to):
        found = wait_until(f"a mail to {to}", 30, lambda: self.mails(to))
        self.assertEqual(len(found), 1)
        return found[0]

    def code(self, to):
        return re.search(r"Code: (\S+)\r\n", self.mail(to))[1]

    def sign_up(self, name, password=PASSWORD):
        email = f"{name}@berth.test"
        self.assertEqual(self.call("POST", "/users/", {"email": email, "password": password})[0], 200)
        status, reply = self.call("POST", "/users/verify/", {"code": self.code(email)})
        self.assertEqual(status, 200, reply)
        return Person(self.world, reply["id"], reply["api_key"])

    def log_in(self, name, password=PASSWORD, **more):
        return self.call("POST", "/sessions/", {"email": f"{name}@berth.test", "password": password,
                                                **more})

    def test_the_life_of_an_account(self):
        status, reply = self.call("POST", "/users/", {
            "email": "Ada@berth.test", "password": PASSWORD, "username": "ada",
            "is_admin": True, "credit": 100, "id": 1, "parent_id": None})
        self.assertEqual((status, set(reply)), (200, {"success", "msg"}))
        self.refused(self.log_in("ada"), 400, "login_failed")
        code = self.code("ada@berth.test")
        self.refused(self.call("POST", "/users/verify/", {"code": code[:-1] + "0"}), 400, "invalid_token") \
            if code[-1] != "0" else None
        status, made = self.call("POST", "/users/verify/", {"code": code})
        self.assertEqual((status, made["email"]), (200, "ada@berth.test"), made)
        self.refused(self.call("POST", "/users/verify/", {"code": code}), 400, "invalid_token")
        ada = Person(self.world, made["id"], made["api_key"])
        user = ada.ok("GET", "/api/v0/users/current/")
        self.assertEqual((user["username"], user["email_verified"], user["is_admin"], user["credit"]),
                         ("ada", True, False, 0))
        status, session = self.log_in("ada")
        self.assertEqual((status, session["user_id"], session["tfa_required"]), (200, made["id"], False))
        person = Person(self.world, made["id"], session["session_key"])
        self.assertEqual(person.ok("GET", "/api/v0/users/current/")["key_id"], None)
        self.assertTrue(person.ok("GET", "/api/v0/sessions/")["sessions"][0]["current"])
        # Nobody else's text is in a mail, and its head is ours.
        head = self.mails("nobody")
        self.assertEqual(head, [])

    def test_who_has_an_account_is_nobodys_business(self):
        self.sign_up("bo")
        for path, body in (("/users/", {"password": PASSWORD}), ("/users/reset_password/", {}),
                           ("/sessions/", {"password": "not the password"})):
            known = self.call("POST", path, {"email": "bo@berth.test", **body})
            unknown = self.call("POST", path, {"email": "nobody-yet@berth.test", **body})
            self.assertEqual(known, unknown)

    def test_a_password_that_was_forgotten(self):
        bob = self.sign_up("bob")
        _, session = self.log_in("bob")
        self.assertEqual(self.call("POST", "/users/reset_password/", {"email": "bob@berth.test"})[0], 200)
        code = self.code("bob@berth.test")
        self.refused(self.call("POST", "/users/reset_password/confirm/", {
            "code": code, "password": "short"}), 400, "invalid_password")
        self.refused(self.call("POST", "/users/verify/", {"code": code}), 400, "invalid_token")
        self.assertEqual(self.call("POST", "/users/reset_password/confirm/", {
            "code": code, "password": OTHER})[0], 200)
        self.assertIn("was changed", self.mail("bob@berth.test"))
        self.refused(self.call("POST", "/users/reset_password/confirm/", {
            "code": code, "password": OTHER}), 400, "invalid_token")
        self.refused(self.log_in("bob"), 400, "login_failed")
        self.assertEqual(self.log_in("bob", OTHER)[0], 200)
        self.assertEqual(self.call("GET", "/users/current/", key=session["session_key"])[0], 401)
        self.assertEqual(bob.call("GET", "/api/v0/users/current/")[0], 200)

    def test_when_a_key_was_used_last(self):
        """Of reading, too; nobody waits for it to be written down, and it is written once an hour."""
        dot = self.sign_up("dot")
        dot.ok("POST", "/api/v0/auth/apikeys/", {"name": "idle", "permissions": {"api": {"user_read": {}}}})
        used = wait_until("a first use", 30, lambda: dot.ok("GET", "/api/v0/auth/apikeys/")["apikeys"][0]["last_used"])
        self.assertLess(abs(used - time.time()), 60)
        time.sleep(11)
        first, idle = dot.ok("GET", "/api/v0/auth/apikeys/")["apikeys"]
        self.assertEqual((first["last_used"], idle["last_used"]), (used, None))

    def test_changing_password_and_email(self):
        cy = self.sign_up("cy")
        _, one = self.log_in("cy")
        _, two = self.log_in("cy")
        self.refused(self.call("PUT", "/users/password/", {"password": OTHER, "new_password": OTHER},
                               key=one["session_key"]), 400, "login_failed")
        self.refused(cy.call("PUT", "/api/v0/users/password/", {"new_password": OTHER}), 400, "login_failed")
        self.assertEqual(self.call("PUT", "/users/password/", {
            "password": PASSWORD, "new_password": OTHER}, key=one["session_key"])[0], 200)
        self.assertEqual(self.call("GET", "/users/current/", key=one["session_key"])[0], 200)
        self.assertEqual(self.call("GET", "/users/current/", key=two["session_key"])[0], 401)
        self.mail("cy@berth.test")
        self.assertEqual(cy.call("PUT", "/api/v0/users/email/", {
            "email": "cyrus@berth.test", "password": OTHER})[0], 200)
        code = self.code("cyrus@berth.test")
        self.assertEqual(cy.ok("GET", "/api/v0/users/current/")["email"], "cy@berth.test")
        self.assertEqual(self.call("POST", "/users/verify/", {"code": code})[1]["api_key"], None)
        self.assertEqual(cy.ok("GET", "/api/v0/users/current/")["email"], "cyrus@berth.test")
        self.assertIn("another email", self.mail("cy@berth.test"))

    def test_an_account_that_is_deleted(self):
        eve, fay = self.sign_up("eve"), self.sign_up("fay")
        _, session = self.log_in("eve")
        _, other = self.log_in("eve")
        def delete(key=session["session_key"], **more):
            return self.call("DELETE", "/users/", {"confirm_email": "eve@berth.test", "password": PASSWORD, **more}, key=key)

        self.refused(eve.call("DELETE", "/api/v0/users/", {"confirm_email": "eve@berth.test", "password": PASSWORD}),
                     400, "login_failed")
        self.refused(delete(password=OTHER), 400, "login_failed")
        self.refused(delete(confirm_email="fay@berth.test"), 400, "invalid_email")
        self.refused(delete(give_up="x"), 400, "invalid_args")
        self.world.admin("credit", "deposit", "--user", str(eve.id), "--amount", "3.25", "--ticket", "wire")
        looked = eve.ok("GET", "/api/v0/users/deletion/")
        self.assertEqual((looked["can_delete"], looked["given_up"], [row["reason"] for row in looked["reasons"]]),
                         (True, 3.25, ["credit"]))
        got = delete()
        self.refused(got, 409, "in_use")
        self.assertIn("credit $3.25: spend it", got[1]["msg"])
        self.refused(delete(give_up=3.24), 409, "in_use")
        self.mails("eve@berth.test")
        self.assertEqual(delete(give_up=3.25)[0], 200)
        self.assertIn("was deleted", self.mail("eve@berth.test"))
        for key in (session["session_key"], other["session_key"], eve.key):
            self.refused(self.call("GET", "/users/current/", key=key), 401, "auth_error")
        self.refused(delete(), 401, "auth_error")
        self.refused(self.log_in("eve"), 400, "login_failed")
        again = self.sign_up("eve")
        self.assertNotEqual(again.id, eve.id)
        self.assertEqual(again.ok("GET", "/api/v0/users/current/")["credit"], 0)
        self.assertEqual(fay.ok("GET", "/api/v0/users/current/")["email"], "fay@berth.test")

    def test_a_browser_has_a_cookie_and_pages_of_other_sites_have_nothing_of_it(self):
        self.sign_up("di")
        origin = {"Origin": "https://evil.test"}
        self.refused(self.log_in_with("di", origin), 403, "csrf_failed")
        status, reply, headers = self.world.call_whole("POST", "/api/v0/sessions/", {
            "email": "di@berth.test", "password": PASSWORD, "cookie": True},
            headers={"Origin": "https://berth.test"}, source=self.source)
        self.assertEqual((status, reply["session_key"]), (200, None), reply)
        cookie = headers["set-cookie"]
        for word in ("__Host-berth=", "HttpOnly", "SameSite=Strict", "Secure", "Path=/"):
            self.assertIn(word, cookie)
        cookie = cookie.split(";")[0]
        csrf = reply["csrf"]
        rows = [  # headers beside the cookie, and what comes of a change
            ({}, 403), ({"Berth-Csrf": "0" * 32}, 403), ({"Berth-Csrf": csrf, **origin}, 403),
            ({"Berth-Csrf": csrf}, 200), ({"Berth-Csrf": csrf, "Origin": "https://berth.test"}, 200),
        ]
        for headers, want in rows:
            got = self.call("PUT", "/users/", {"fullname": "Di"}, headers={"Cookie": cookie, **headers})
            self.assertEqual(got[0], want, (headers, got))
        self.assertEqual(self.call("GET", "/sessions/current/", headers={"Cookie": cookie})[1]["csrf"], csrf)
        # An API key is none for a cookie, and a session that is over is nobody's.
        self.assertEqual(self.call("GET", "/users/current/", headers={
            "Cookie": "__Host-berth=" + "0" * 64})[0], 401)
        self.assertEqual(self.call("POST", "/bundles/", {}, headers={
            "Cookie": "__Host-berth=" + "0" * 64})[0], 200)
        status, _, headers = self.world.call_whole("DELETE", "/api/v0/sessions/current/", headers={
            "Cookie": cookie, "Berth-Csrf": csrf}, source=self.source)
        self.assertEqual(status, 200)
        self.assertIn("Max-Age=0", headers["set-cookie"])
        self.assertEqual(self.call("GET", "/users/current/", headers={"Cookie": cookie})[0], 401)

    def log_in_with(self, name, headers):
        return self.call("POST", "/sessions/", {"email": f"{name}@berth.test", "password": PASSWORD,
                                                "cookie": True}, headers=headers)

    def test_sessions_end_where_their_owner_says(self):
        ed = self.sign_up("ed")
        keys = [self.log_in("ed")[1]["session_key"] for _ in range(3)]
        rows = ed.ok("GET", "/api/v0/sessions/")["sessions"]
        self.assertEqual(len(rows), 3)
        ed.ok("DELETE", f"/api/v0/sessions/{rows[-1]['id']}/", {})
        self.assertEqual(self.call("GET", "/users/current/", key=keys[0])[0], 401)
        self.assertEqual(self.call("DELETE", "/sessions/", {}, key=keys[1])[0], 200)
        self.assertEqual(self.call("GET", "/users/current/", key=keys[1])[0], 200)
        self.assertEqual(self.call("GET", "/users/current/", key=keys[2])[0], 401)

    def test_subaccounts(self):
        flo = self.sign_up("flo")
        body = {"email": "sub@berth.test", "username": "sub", "password": PASSWORD,
                "host_only": True, "parent_id": "me", "balance": 5, "is_admin": True}
        self.refused(self.call("POST", "/users/", body), 401, "auth_error")
        made = flo.ok("POST", "/api/v0/users/", body)
        self.refused(flo.call("POST", "/api/v0/users/", body), 409, "user_exists")
        self.refused(self.log_in("sub"), 400, "email_not_verified")
        self.assertEqual([(row["id"], row["host_only"], row["parent_id"], row["is_admin"])
                          for row in flo.ok("GET", "/api/v0/subaccounts?owner=me")["users"]],
                         [(made["id"], True, flo.id, False)])
        for text in self.two_mails("sub@berth.test"):
            code = re.search(r"Code: (\S+)\r\n", text)[1]
        self.assertEqual(self.call("POST", "/users/verify/", {"code": code})[0], 200)
        self.assertEqual(self.log_in("sub")[1]["user_id"], made["id"])

    def two_mails(self, to):
        found = []
        wait_until(f"two mails to {to}", 30, lambda: found.extend(self.mails(to)) or len(found) == 2)
        return found

    # How guessing is slowed (R26).

    def test_ten_wrong_passwords_and_no_more_from_wherever(self):
        self.sign_up("gus")
        for name in ("gus", "no-such-person"):
            for _ in range(10):
                self.refused(self.log_in(name, "wrong wrong wrong"), 400, "login_failed")
            self.source = next(self.sources)
            status, reply, headers = self.world.call_whole("POST", "/api/v0/sessions/", {
                "email": f"{name}@berth.test", "password": PASSWORD}, source=self.source)
            self.refused((status, reply), 429, "rate_limit_exceeded")
            self.assertTrue(0 < int(headers["retry-after"]) <= 360, headers)

    def test_a_hundred_wrong_keys_an_hour_from_one_address(self):
        got = [self.call("GET", "/users/current/", key="0" * 64)[0] for _ in range(103)]
        self.assertEqual(got[:100], [401] * 100)
        self.assertEqual(got[101:], [429] * 2)
        # Enrolment tokens and codes count with them.
        self.assertEqual(self.call("POST", "/users/verify/", {"code": "1-" + "0" * 32})[0], 429)
        self.source = next(self.sources)
        self.assertEqual(self.call("GET", "/users/current/", key="0" * 64)[0], 401)

    def enrol(self):
        """The status of a guess at the token by which a machine joins."""
        return self.world.call("POST", "/agent/v1/enroll", {"token": "0" * 64, "public_key": "A" * 43, "facts": self.facts},
                               source=self.source)[0]

    def test_a_hundred_wrong_tokens_an_hour_from_one_address(self):
        self.facts = self.world.user("mia").machine().facts
        got = [self.enrol() for _ in range(103)]
        self.assertNotIn(429, got[:100])
        self.assertEqual(got[101:], [429] * 2)
        self.source = next(self.sources)
        self.assertNotEqual(self.enrol(), 429)

    def test_ten_guesses_at_a_code_from_wherever(self):
        self.assertEqual(self.call("POST", "/users/", {"email": "hy@berth.test", "password": PASSWORD})[0], 200)
        code = self.code("hy@berth.test")
        wrong = code.split("-")[0] + "-" + "0" * 32
        for _ in range(10):
            self.source = next(self.sources)
            self.refused(self.call("POST", "/users/verify/", {"code": wrong}), 400, "invalid_token")
        self.assertEqual(self.call("POST", "/users/verify/", {"code": code})[0], 429)

    def test_mail_is_not_for_flooding(self):
        for _ in range(8):
            self.assertEqual(self.call("POST", "/users/reset_password/", {"email": "a@berth.test"})[0], 200)
            self.assertEqual(self.call("POST", "/users/", {"email": "iv@berth.test", "password": PASSWORD})[0], 200)
        time.sleep(0.5)
        self.assertEqual(len(self.mails("iv@berth.test")), 4)

    def test_what_is_secret_is_nowhere(self):
        """R33: no password, session or code in the database, its log, or the server's log."""
        self.sign_up("jo")
        session = self.log_in("jo")[1]["session_key"]
        self.call("POST", "/users/reset_password/", {"email": "jo@berth.test"})
        code = self.code("jo@berth.test").split("-")[1]
        files = [path for path in self.world.data.rglob("*") if path.is_file() and path.suffix != ".eml"]
        self.assertGreater(len(files), 2)
        for path in files + [self.world.dir / "log"]:
            for secret in (PASSWORD, session, code):
                self.assertNotIn(secret.encode(), path.read_bytes(), path)


class Restart(unittest.TestCase):
    def test_a_restart_gives_no_more_tries(self):
        with World() as world:
            body = {"email": "x@berth.test", "password": "wrong wrong wrong"}
            for _ in range(10):
                self.assertEqual(world.call("POST", "/api/v0/sessions/", body)[0], 400)
            world.restart()
            self.assertEqual(world.call("POST", "/api/v0/sessions/", body)[0], 429)


if __name__ == "__main__":
    unittest.main()
