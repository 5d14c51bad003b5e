#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An account's variables: in by the API, out to containers alone, and never in the clear on disk."""

import json
import os
import stat
import unittest

from world import Person, World
from patience import wait_until

PATH = "/api/v0/secrets/"
VALUE = "hf_do-not-tell-anyone"


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.bo = cls.world.user("bo")
        cls.hal = cls.world.user("hal")
        cls.machine = cls.hal.machine(gpus=1)
        cls.machine.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.machine.id, "price_gpu": 0.36, "price_disk": 0.15, "min_chunk": 1})
        cls.machine.follow()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def names(self, who):
        return who.ok("GET", PATH)["secrets"]

    def refused(self, method, body, code):
        status, reply = self.ada.call(method, PATH, body)
        self.assertEqual((status, reply["error"]), (400, code), reply)

    def test_the_life_of_a_variable(self):
        self.assertIn("HF_TOKEN", self.ada.ok("POST", PATH, {"key": "hf_token", "value": VALUE})["msg"].upper())
        self.assertEqual(self.names(self.ada), {"HF_TOKEN": "********"})
        self.refused("POST", {"key": "HF_TOKEN", "value": "x"}, "existing_key")
        self.refused("PUT", {"key": "NOBODY", "value": "x"}, "nonexistent_key")
        self.refused("DELETE", {"key": "NOBODY"}, "nonexistent_key")
        self.refused("POST", {"key": "1A", "value": "x"}, "invalid_characters")
        self.refused("POST", {"key": "A", "value": "\x07"}, "invalid_characters")
        self.refused("POST", {"key": "A", "value": "x" * 32769}, "input_too_long")
        self.refused("POST", {"value": "x"}, "missing_input")
        self.refused("POST", {"key": "A", "value": None}, "missing_input")
        self.refused("POST", {"key": "A", "value": 7}, "missing_input")
        self.assertEqual(self.names(self.bo), {})
        self.assertTrue(self.ada.ok("PUT", PATH, {"key": "HF_TOKEN", "value": VALUE + "2"})["success"])

        number = self.rent()
        env = {variable["name"]: variable["value"] for variable in self.spec(number)["env"]}
        self.assertEqual(env["HF_TOKEN"], VALUE + "2")
        self.assertEqual(env["MINE"], "1")
        shown = json.dumps(self.ada.ok("GET", f"/api/v0/instances/{number}/"))
        self.assertIn("MINE", shown)
        self.assertNotIn(VALUE, shown)

        self.assertTrue(self.ada.ok("DELETE", PATH, {"key": "HF_TOKEN"})["success"])
        self.assertEqual(self.names(self.ada), {})
        self.on_disk()

    def rent(self):
        found = wait_until("an offer", 30, lambda: self.world.call("POST", "/api/v0/bundles/", {})[1]["offers"])
        return self.ada.ok("PUT", f"/api/v0/asks/{found[0]['id']}/", {
            "image": "ubuntu", "disk": 8, "runtype": "ssh", "env": {"MINE": "1"}})["new_contract"]

    def spec(self, number):
        self.machine.follow()
        return next(row["spec"] for row in self.machine.desired["instances"] if row["id"] == number)

    def on_disk(self):
        """Not in the database, nor in what it is about to become; and the key is its owner's."""
        for path in self.world.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(VALUE.encode(), path.read_bytes(), path)
        key = self.world.data / "master.key"
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        self.assertEqual(len(bytes.fromhex(key.read_text().strip())), 32)

    def test_a_key_without_the_permission_sees_and_sets_none(self):
        made = self.bo.ok("POST", "/api/v0/auth/apikeys/", {"name": "t", "permissions": {"api": {"instance_read": {}}}})
        other = Person(self.world, self.bo.id, made["key"])
        self.assertEqual(other.call("GET", PATH)[0], 403)
        self.assertEqual(other.call("POST", PATH, {"key": "A", "value": "x"})[0], 403)


if __name__ == "__main__":
    unittest.main()
