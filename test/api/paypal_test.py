#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts outside of the US say where PayPal pays them, and PayPal says that there is news: against a fake of it."""

import http.client
import json
import os
import sqlite3
import subprocess
import tempfile
import time
import unittest

from fake_paypal import CLIENT, SECRET, WEBHOOK, FakePayPal
from world import BIN, World
from patience import wait_until


class PayPal(unittest.TestCase):
    def setUp(self):
        self.paypal = FakePayPal()
        self.world = World("--rate-factor", "0", "--public-url", "http://market.test", "--paypal-keys",
                           self.keys(f"client {CLIENT}\nsecret {SECRET}\nwebhook {WEBHOOK}\n"), "--paypal-url", self.paypal.url)
        self.world.__enter__()
        self.hal = self.world.user("hal")

    def keys(self, text, mode=0o600):
        path = f"/tmp/berth-paypal-keys-{os.getpid()}"
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def tearDown(self):
        self.world.__exit__(None, None, None)
        self.paypal.close()

    def method(self):
        return self.hal.ok("GET", "/api/v0/billing/payouts/")["method"]

    def say(self, **body):
        return self.hal.call("PUT", "/api/v0/billing/payouts/method/", body)

    def test_a_host_says_where_its_money_goes(self):
        for bad in ("hal", "@x", "a@b@c", "a b@x.io", 'a"@x.io', "x" * 130 + "@y.io", 7):
            self.assertEqual(self.say(country="DE", paypal=bad)[0], 400, bad)
        self.assertIsNone(self.method())
        self.assertEqual(self.say(country="DE", paypal="hal@pay.test")[0], 200)
        self.assertEqual(self.method(), {"provider": "paypal", "country": "DE", "paypal": "hal@pay.test", "ready": True,
                                         "reason": None, "held_until": None})
        self.assertEqual(self.say(country="FR")[0], 200)  # its own address
        self.assertEqual(self.method()["paypal"], "hal@berth.test")
        # In place of one that worked: three days from now on.
        self.assertAlmostEqual(self.method()["held_until"], time.time() + 72 * 3600, delta=60)
        # There are no cards here.
        self.assertEqual(self.hal.call("POST", "/api/v0/billing/deposits/", {"amount": 25})[0], 409)
        self.assertEqual(self.hal.call("POST", "/api/v0/billing/payouts/onboarding/", {})[0], 409)
        self.assertEqual(self.world.call("POST", "/api/v0/stripe/events/", {"id": "evt_1"})[0], 409)

    def post(self, event, headers):
        connection = http.client.HTTPConnection(self.world.host, self.world.port, timeout=30)
        connection.request("POST", "/api/v0/paypal/events/", body=json.dumps(event).encode(),
                           headers={"Content-Type": "application/json", **headers})
        reply = connection.getresponse()
        body = json.loads(reply.read())
        connection.close()
        return reply.status, body

    def database(self, sql, change=False):
        with sqlite3.connect(self.world.data / "berth.sqlite", timeout=30) as base:
            rows = base.execute(sql).fetchall()
            if change:
                base.commit()
        return rows

    def test_an_event_is_asked_about_before_anything_is_done(self):
        event = {"id": "WH-1", "event_type": "PAYMENT.PAYOUTS-ITEM.UNCLAIMED", "resource": {"payout_batch_id": "B1"}}
        good = self.paypal.sign(event)
        for name in good:
            self.assertEqual(self.post(event, {k: v for k, v in good.items() if k != name})[0], 400)
        for url in ("http://api.paypal.com/c", "https://api.paypal.com.evil.test/c", "https://169.254.169.254/", "x"):
            self.assertEqual(self.post(event, {**good, "PAYPAL-CERT-URL": url})[0], 400)
        self.assertEqual(self.post({"id": 7}, good)[0], 400)
        # Of no batch of ours: heard, and forgotten.
        self.assertIn("msg", self.post(event, good)[1])
        self.assertEqual(self.database("SELECT count(*) FROM psp_event"), [(0,)])
        self.database("INSERT INTO payout_batch (provider, object_id, state, made_us, next_us) "
                      f"VALUES ('paypal', 'B1', 1, {int(time.time() * 1e6)}, {int(time.time() * 1e6) + 10**12})", change=True)
        self.paypal.batches["B1"] = {"name": "berth-x-1", "status": "PENDING", "items": []}
        self.assertEqual(self.post({**event, "id": "WH-2"}, {**good, "PAYPAL-TRANSMISSION-SIG": "forged"})[0], 200)
        wait_until("a forged event is given up", 30, lambda: self.database("SELECT state FROM psp_event") == [(2,)])
        self.assertEqual(self.database("SELECT looks FROM payout_batch"), [(0,)])
        self.assertNotIn("msg", self.post(event, good)[1])
        self.assertIn("msg", self.post(event, good)[1])  # once
        wait_until("PayPal is asked for the news", 30, lambda: self.database("SELECT looks FROM payout_batch") == [(1,)])

    def test_keys_come_from_a_file_of_their_own(self):
        good = f"client {CLIENT}\nsecret {SECRET}\n"
        folder = tempfile.TemporaryDirectory(prefix="berth-paypal-")
        self.addCleanup(folder.cleanup)
        for text, mode, more in ((good, 0o644, []), ("client x\n", 0o600, []), ("secret x\n", 0o600, []),
                                 (good + "key x\n", 0o600, []), ("client\n", 0o600, []), ("", 0o600, []),
                                 (good, 0o600, ["--paypal-url", "http://example.com"]),
                                 (good, 0o600, ["--paypal-url", "https://a@b"])):
            done = subprocess.run([BIN / "berthd", "serve", "--data", folder.name, "--listen", "127.0.0.1:0",
                                   "--paypal-keys", self.keys(text, mode), *more],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertNotEqual(done.returncode, 0, (text, mode, more))
            self.assertIn("paypal", done.stderr)


if __name__ == "__main__":
    unittest.main()
