#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What accounts are told of, and how: chosen by clients, and by the command that the mails name."""

import os
import subprocess
import unittest

from world import BIN, World

API = "/api/v0"
PREFS = API + "/users/me/notification-prefs/"


class Notifications(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada")
        cls.bo = cls.world.user("bo")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def test_every_kind_can_be_chosen(self):
        types = self.ada.ok("GET", API + "/notification-types/")["notification_types"]
        self.assertIn("client:low_credit", [row["key"] for row in types])
        chosen = self.ada.ok("GET", PREFS)["notification_preferences"]
        self.assertEqual({(c, s) for c, kinds in chosen.items() for s in kinds},
                         {(row["context"], row["slug"]) for row in types})
        for row in types:
            with self.subTest(row["key"]):
                self.assertEqual(chosen[row["context"]][row["slug"]], row["default_preferences"])
                given = {row["context"]: {row["slug"]: {"email": False}}}
                status, reply = self.ada.call("PUT", PREFS, {"notification_preferences": given})
                if row["mandatory_email"]:
                    self.assertEqual((status, reply["error"]), (400, "invalid_args"))
                    continue
                self.assertFalse(self.ada.ok("GET", f"{API}/users/{self.ada.id}/notification-prefs/")[
                    "notification_preferences"][row["context"]][row["slug"]]["email"])
        self.assertEqual([row["key"] for row in types if row["mandatory_email"]], ["client:security"])
        # What is left out is as it is by default.
        self.ada.ok("PUT", PREFS, {"notification_preferences": {}})
        self.assertEqual(self.ada.ok("GET", PREFS)["notification_preferences"], chosen)

    def test_what_makes_no_sense_changes_nothing(self):
        before = self.bo.ok("GET", PREFS)
        for given in ({"client": {"nothing": {}}}, {"nobody": {"low_credit": {}}}, {"client": []},
                      {"client": {"low_credit": True}}, {"client": {"low_credit": {"email": "yes"}}}, []):
            with self.subTest(given):
                status, reply = self.bo.call("PUT", PREFS, {"notification_preferences": given})
                self.assertEqual((status, reply["error"]), (400, "invalid_args"))
        status, reply = self.bo.call("PUT", f"{API}/users/{self.ada.id}/notification-prefs/",
                                     {"notification_preferences": {}})
        self.assertEqual((status, reply["error"]), (403, "not_authorized"))
        self.assertEqual(self.bo.ok("GET", PREFS), before)

    def berth(self, who, *words):
        env = {**os.environ, "BERTH_URL": f"http://{self.world.address}", "BERTH_API_KEY": who.key,
               "HOME": str(self.world.dir), "XDG_CONFIG_HOME": str(self.world.dir)}
        return subprocess.run([BIN / "berth", *words], env=env, capture_output=True, text=True, timeout=60,
                              check=False, stdin=subprocess.DEVNULL)

    def test_the_command_that_the_mails_name(self):
        done = self.berth(self.bo, "set", "notifications", "client:maintenance", "client:reclaim", "--email", "off")
        self.assertEqual(done.returncode, 0, done.stderr)
        chosen = self.bo.ok("GET", PREFS)["notification_preferences"]["client"]
        self.assertEqual([slug for slug, row in chosen.items() if not row["email"]], ["maintenance", "reclaim"])
        self.assertRegex(self.berth(self.bo, "show", "notifications").stdout, r"client:maintenance +off")
        for words in (("client:nothing", "--email", "off"), ("client:reclaim", "--email", "perhaps"),
                      ("client:reclaim",)):
            self.assertEqual(self.berth(self.bo, "set", "notifications", *words).returncode, 2)
        self.assertNotEqual(self.berth(self.bo, "set", "notifications", "client:security", "--email", "off").returncode, 0)
        self.assertEqual(self.berth(self.bo, "set", "notifications", "client:reclaim", "--email", "on").returncode, 0)


if __name__ == "__main__":
    unittest.main()
