#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes through a network that has to be shown: bytes one way, receipts the other, and who lies about it."""

import hashlib
import http.client
import json
import sqlite3
import time
import unittest

from world import World, base64url

SLICE = 1 << 20


class Trial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.machine = cls.world.user("hal").machine()
        cls.machine.follow()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def sql(self, text, *values):
        with sqlite3.connect(self.world.data / "berth.sqlite", timeout=30) as books:
            return books.execute(text, values).fetchall()

    def asked(self, token, trial):
        """Straight in the books: nobody knows when the market asks by itself."""
        now = int(time.time() * 1e6)
        self.sql("INSERT INTO machine_proof (machine_id, gpu_uuid, n, rounds, seed, draw, token_hash, state, asked_us, sent_us, kind, "
                 "company, model, nonces, openings, trial) VALUES (?, '', 2, 2, ?, ?, ?, 2, ?, ?, 2, 0, '', 0, 1, ?)",
                 self.machine.id, bytes(32), bytes([7] * 32), hashlib.sha256(token.encode()).digest(), now, now, trial)

    def slice(self, token, number):
        link = http.client.HTTPConnection(self.world.host, self.world.port, timeout=40)
        link.request("POST", "/agent/v1/slice", json.dumps({"token": token, "number": number}), {"Content-Type": "application/json"})
        answer = link.getresponse()
        told = answer.status, answer.getheader("Content-Type"), answer.read()
        link.close()
        return told

    def test_slices_come_until_it_is_committed_to_them(self):
        self.asked("first", 4)
        status, kind, first = self.slice("first", 0)
        self.assertEqual((status, kind, len(first)), (200, "application/octet-stream", SLICE))
        self.assertEqual(self.slice("first", 0)[2], first)
        self.assertNotEqual(self.slice("first", 1)[2], first)
        for token, number in (("first", 2), ("other", 0)):
            self.assertEqual(self.slice(token, number)[0], 404, (token, number))
        for number in (-1, 128, "x"):
            self.assertEqual(self.slice("first", number)[0], 400, number)
        digests = [hashlib.sha256(self.slice("first", number)[2]).digest() for number in (0, 1)]
        status, draw = self.world.call("POST", "/agent/v1/commit", {
            "token": "first", "commitment": base64url(hashlib.sha256(b"".join(digests)).digest())})
        self.assertEqual((status, draw), (200, {"draw": base64url(bytes(32)), "openings": 1, "part": 1}))
        self.assertEqual(self.slice("first", 0)[0], 404)
        filled = {"token": "first", "number": 0, "bytes": base64url(bytes(SLICE // 2))}
        self.assertEqual(self.world.call("POST", "/agent/v1/fill", filled)[0], 404)
        verdict = self.world.call("POST", "/agent/v1/opening", {"token": "first", "opening": base64url(bytes(32))})[1]
        self.assertEqual(verdict["verdict"], "bad")
        told = self.world.call("GET", f"/api/v0/machines/{self.machine.id}/proofs/")[1]["proofs"][0]
        self.assertEqual((told["kind"], told["state"], told["gpu"], told["inet_down"], told["operations"]), ("network", "bad", "", 0, 0))

    def test_a_disk_has_no_slices(self):
        self.asked("second", 3)
        self.assertEqual(self.slice("second", 0)[0], 404)


if __name__ == "__main__":
    unittest.main()
