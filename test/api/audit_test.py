#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is written down of calls that may change something, and that nobody's text forges a line."""

import json
import unittest

from world import World
from patience import wait_until

SECRETS = {"value": "hf_do-not-tell", "password": "correct horse battery", "code": "1-c0de",
           "new_password": "staple of another", "key": "s3cretkey", "anything": "else-at-all"}
NASTY = ["a\r\n{\"level\":\"error\"}", "\x1b[31m", "‮evil", "\" , \"x\":\"", "line separator"]


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada")
        cls.bo = cls.world.user("bo")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def entries(self, who, route):
        return wait_until(f"what was written of {route}", 30, lambda: [
            row for row in who.ok("GET", "/api/v0/audit_logs/") if row["api_route"] == route])

    def test_who_did_what_from_where(self):
        status, _ = self.world.call("PUT", "/api/v0/users/", {"username": "ada l", "ssh_key": None},
                                    key=self.ada.key, source="127.0.0.77")
        self.assertEqual(status, 200)
        row = self.entries(self.ada, "api.user.update")[0]
        self.assertEqual((row["ip_address"], row["session_id"]), ("127.0.0.77", None))
        self.assertEqual(json.loads(row["args"]), {"username": "ada l"})
        self.assertIn("127.0.0.77", [r["ip"] for r in self.ada.ok("GET", "/api/v0/users/me/ipaddrs?owner=me")["results"]])
        # Reading is not written down, and others' entries are others'.
        self.assertFalse([r for r in self.ada.ok("GET", "/api/v0/audit_logs/") if ".show" in r["api_route"]])
        self.assertFalse([r for r in self.bo.ok("GET", "/api/v0/audit_logs/") if r["ip_address"] == "127.0.0.77"])
        self.assertEqual([r["user_id"] for r in self.world.admin("audit", "list") if r["address"] == "127.0.0.77"],
                         [self.ada.id])

    def test_no_secret_is_in_it(self):
        self.bo.call("POST", "/api/v0/secrets/", {"key": "HF", **SECRETS})
        self.bo.call("PUT", "/api/v0/users/password/", SECRETS)
        text = json.dumps([self.entries(self.bo, name) for name in ("api.secret.create", "api.user.password")])
        for secret in SECRETS.values():
            self.assertNotIn(secret, text)

    def test_what_was_refused_is_in_it_too(self):
        self.bo.call("DELETE", "/api/v0/auth/apikeys/987654321/", {})
        self.assertEqual(json.loads(self.entries(self.bo, "api.apikey.delete")[0]["args"]), {"id": 987654321})

    def test_nobodys_text_forges_a_line(self):
        """R30: in the audit log and in the server's log, every line is one JSON object."""
        for text in NASTY:
            self.bo.call("PUT", "/api/v0/users/", {"username": text, "fullname": text, text: text})
            self.bo.call("POST", "/api/v0/auth/apikeys/", {"name": text, "permissions": {"api": {"misc": {}}}})
            self.world.call("POST", "/api/v0/sessions/", {"email": text, "password": text})
        for row in self.bo.ok("GET", "/api/v0/audit_logs/"):
            json.loads(row["args"])
        for line in (self.world.dir / "log").read_text().splitlines():
            if not line.startswith("berthd: "):
                self.assertIsInstance(json.loads(line), dict, line)


if __name__ == "__main__":
    unittest.main()
