#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input gets the status, the code and the sentence that the API names, and leaves nothing half done."""

import json
import subprocess
import unittest

from world import BIN, World, sign
from patience import wait_until

RENTAL = {"client_id": "me", "image": "ubuntu:22.04", "disk": 10, "runtype": "ssh", "price": None}


class Refusal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.poor = cls.world.user("poor", credit="0.01")
        cls.bo = cls.world.user("bo", credit="25.00")
        cls.hal = cls.world.user("hal")
        cls.machine = cls.hal.machine(gpus=1)
        cls.machine.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.machine.id, "price_gpu": 0.36, "price_disk": 0.15, "min_chunk": 1})
        cls.machine.follow()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def offer(self):
        return wait_until("an offer", 30, lambda: self.world.call("POST", "/api/v0/bundles/", {})[1]["offers"])[0]["id"]

    def state(self, who):
        """Whatever a refused request might have left behind."""
        return ([row["id"] for row in who.ok("GET", "/api/v0/instances")["instances"]],
                who.ok("GET", "/api/v0/ssh/"), len(who.ok("GET", "/api/v0/auth/apikeys/")["apikeys"]))

    def refused(self, who, method, path, body, status, code, part, raw=None):
        before = self.state(who)
        got, reply = who.call(method, path, body, raw=raw)
        self.assertEqual((got, reply["error"]), (status, code), reply)
        self.assertIn(part, reply["msg"])
        self.assertEqual(self.state(who), before)
        return reply

    def test_offers_that_cannot_be_had(self):
        ask = self.offer()
        reply = self.refused(self.ada, "PUT", "/api/v0/asks/987654321/", RENTAL, 404, "invalid_args", "no_such_ask")
        self.assertEqual(reply["ask_id"], 987654321)
        self.refused(self.ada, "PUT", "/api/v0/asks/987654321/", RENTAL | {"cancel_unavail": True}, 410,
                     "no_such_ask", "no_such_ask")
        number = self.bo.ok("PUT", f"/api/v0/asks/{ask}/", RENTAL)["new_contract"]
        try:
            reply = self.refused(self.ada, "PUT", f"/api/v0/asks/{ask}/", RENTAL, 404, "invalid_args", "no_such_ask")
            self.assertEqual(reply["ask_id"], ask)
            reply = self.refused(self.ada, "PUT", f"/api/v0/asks/{ask}/", RENTAL | {"cancel_unavail": True}, 410,
                                 "no_such_ask", "no_such_ask")
            self.assertEqual(reply["ask_id"], ask)
        finally:
            self.bo.ok("DELETE", f"/api/v0/instances/{number}/", {})
            self.machine.follow()

    def test_what_a_rental_may_not_ask_for(self):
        path = f"/api/v0/asks/{self.offer()}/"
        rows = [
            ({"image": None}, 400, "invalid_args", "image"),
            ({"image": "Not An Image"}, 400, "invalid_args", "image"),
            ({"image": "x" * 600}, 400, "invalid_args", "image"),
            ({"disk": 0}, 400, "invalid_args", "disk"),
            ({"disk": -5}, 400, "invalid_args", "disk"),
            ({"disk": "a lot"}, 400, "invalid_args", "disk"),
            ({"disk": 1 << 30}, 400, "invalid_args", ""),
            ({"env": {"-p 8081:0": "1"}}, 400, "invalid_args", ""),
            ({"env": {"": "1"}}, 400, "invalid_args", ""),
            ({"label": "x" * 1025}, 400, "label_too_long", "1024"),
            ({"target_state": "asleep"}, 400, "invalid_args", "target_state"),
            ({"image_login": "ada secret"}, 400, "invalid_args", ""),
        ]
        for change, status, code, part in rows:
            with self.subTest(change=str(change)[:60]):
                self.refused(self.ada, "PUT", path, RENTAL | change, status, code, part)

    def test_credit_that_is_short(self):
        self.refused(self.poor, "PUT", f"/api/v0/asks/{self.offer()}/", RENTAL, 400, "insufficient_balance", "credit")

    def test_bodies_that_are_none(self):
        path = f"/api/v0/asks/{self.offer()}/"
        for raw in (b"{", b"[]", b"{'image': 'ubuntu'}", b"\xff\xfe", b'{"image":"a","image":"b"}', b"null"):
            with self.subTest(raw):
                self.refused(self.ada, "PUT", path, None, 400, "invalid_request", "body", raw=raw)
        big = json.dumps(RENTAL | {"onstart": "x" * (2 << 20)}).encode()
        self.refused(self.ada, "PUT", path, None, 413, "too_large", "1 MiB", raw=big)

    def test_keys_that_nobody_has(self):
        path = f"/api/v0/asks/{self.offer()}/"
        status, reply = self.world.call("PUT", path, RENTAL, key="0" * 64)
        self.assertEqual((status, reply["error"], reply["msg"]), (401, "auth_error", "Invalid user key"))
        status, reply = self.world.call("PUT", path, RENTAL)
        self.assertEqual((status, reply["error"]), (401, "auth_error"))

    def test_a_machine_joins_once(self):
        token = self.hal.ok("POST", "/api/v0/machines/enroll_token/", {})["token"]
        machines = self.hal.ok("GET", "/api/v0/machines")["machines"]
        keys = json.loads(sign("keys"))
        facts = self.machine.facts | {"gpus": [dict(gpu, uuid="GPU-" + "9" * 32) for gpu in self.machine.facts["gpus"]]}
        rows = [
            ({"token": "0" * 64}, 400, "invalid_token"),
            ({"public_key": self.machine.keys["public"]}, 409, "conflict"),
            ({"facts": self.machine.facts}, 409, "conflict"),
            ({"facts": facts | {"cpu_cores": 0}}, 400, "invalid_args"),
        ]
        good = {"token": token, "public_key": keys["public"], "facts": facts}
        for change, status, code in rows:
            with self.subTest(code=code, change=list(change)):
                got, reply = self.world.call("POST", "/agent/v1/enroll", good | change)
                self.assertEqual((got, reply["error"]), (status, code), reply)
                self.assertEqual(len(self.hal.ok("GET", "/api/v0/machines")["machines"]), len(machines))
        # None of them has used the token up.
        self.assertEqual(self.world.call("POST", "/agent/v1/enroll", good)[0], 200)
        status, reply = self.world.call("POST", "/agent/v1/enroll", good)
        self.assertEqual((status, reply["error"]), (400, "invalid_token"))

    def test_zz_the_books_are_in_order(self):
        done = subprocess.run([BIN / "berthd", "check", "--data", self.world.data], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
