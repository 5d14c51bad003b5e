#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paying ahead for an instance: what it brings, what comes back, and who sees what of it; each reply is
held against its declaration."""

import json
import subprocess
import time
import unittest
import urllib.parse
from decimal import Decimal

from world import BIN, World
from patience import wait_until

MONTH = Decimal("208.56")  # $0.36 an hour and 10 GB at $0.15 for 720 hours, less 20 %


class Prepay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="5.00")
        cls.bo = cls.world.user("bo")
        cls.hal = cls.world.user("hal")
        cls.machine = cls.hal.machine(gpus=4)
        cls.machine.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.machine.id, "price_gpu": 0.36, "price_disk": 0.15, "price_inetu": 0.02,
            "price_inetd": 0.01, "price_min_bid": 0.1, "min_chunk": 1})
        cls.machine.follow()
        cls.world.admin("credit", "deposit", "--user", str(cls.ada.id), "--amount", "1500.00", "--ticket", "wire 1")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def offers(self, kind="reserved"):
        return self.world.call("POST", "/api/v0/bundles/", {
            "type": kind, "num_gpus": {"eq": "1"}, "allocated_storage": 10.0})[1]["offers"]

    def rent(self, **words):
        def try_to():
            found = self.offers()
            status, reply = self.ada.call("PUT", f"/api/v0/asks/{found[0]['id']}/", {
                "image": "ubuntu", "disk": 10, "runtype": "ssh"} | words) if found else (0, {})
            return reply if status == 200 else None

        reply = wait_until("an offer can be had", 30, try_to)
        for _ in range(3):
            self.machine.follow()
            time.sleep(0.1)
        return reply["new_contract"]

    def end(self, number):
        self.ada.ok("DELETE", f"/api/v0/instances/{number}/", {})
        self.machine.follow()

    def deposit(self, number, who=None):
        return (who or self.ada).ok("GET", f"/api/v0/instances/balance/{number}/?owner=me")

    def prepay(self, number, amount, who=None):
        return (who or self.ada).call("PUT", f"/api/v0/instances/prepay/{number}/", {"amount": amount})

    def shown(self, number):
        return self.ada.ok("GET", f"/api/v0/instances/{number}/")["instances"]

    def credit(self):
        return Decimal(str(self.ada.ok("GET", "/api/v0/users/current")["credit"]))

    def test_search_shows_what_a_deposit_may_bring(self):
        offer = self.offers()[0]
        self.assertEqual((offer["credit_discount_max"], offer["discount_rate"]), (0.4, 0.4))  # the default
        self.assertAlmostEqual(offer["discounted_dph_total"], offer["dph_total"] * 0.6, 9)
        self.assertAlmostEqual(offer["dph_total"], 0.36 + 10 * 0.15 / 720, 9)

    def test_a_month_ahead(self):
        number = self.rent()
        before = self.shown(number)
        self.assertEqual((before["credit_balance"], before["credit_discount"], before["credit_discount_max"]),
                         (None, None, 0.4))
        plans = self.deposit(number)["plans"]
        self.assertEqual([(plan["months"], plan["amount"], plan["discount_rate"]) for plan in plans],
                         [(1, 208.56, 0.2), (3, 547.47, 0.3), (6, 938.52, 0.4)])
        credit = self.credit()
        status, reply = self.prepay(number, float(MONTH))
        self.assertEqual((status, reply), (200, {"success": True, "timescale": 1, "discount_rate": 0.2}))
        after = self.shown(number)
        self.assertEqual((after["dph_base"], after["credit_discount"]), (0.288, 0.2))
        self.assertAlmostEqual(after["storage_cost"], 0.12, 9)
        self.assertAlmostEqual(after["credit_balance"], float(MONTH), 3)
        self.assertAlmostEqual(float(credit - self.credit()), float(MONTH), 3)
        shown = self.deposit(number)
        self.assertEqual((shown["discount_months"], shown["discount_rate"], shown["discount_max"]), (1, 0.2, 0.4))
        self.assertAlmostEqual(shown["deposit"] - shown["total_discount"], shown["refundable_deposit"], 6)
        # Its host sees it, and not what was paid.
        row = self.hal.ok("GET", "/api/v0/machines/")["machines"][0]
        self.assertEqual((row["gpu_occupancy"].count("R"), row["current_rentals_reserved"],
                          row["current_rentals_running_reserved"]), (1, 1, 1))
        self.assertNotIn(str(MONTH), json.dumps(row))
        # It is on the list of what came and went, as clients ask for it.
        asked = urllib.parse.quote(json.dumps({"when": {"gte": 0, "lte": 4000000000},
                                               "service": {"in": ["instance_prepay"]}}))
        rows = self.ada.ok("GET", f"/api/v1/invoices/?select_filters={asked}")["results"]
        self.assertEqual([(one["type"], one["source"], one["amount"]) for one in rows if one["source"] == f"instance-{number}"],
                         [("reserved", f"instance-{number}", float(MONTH))])
        self.end(number)
        # All but what the moment cost, at the full price.
        self.assertLess(credit - self.credit(), Decimal("0.01"))
        self.assertNotIn("R", self.hal.ok("GET", "/api/v0/machines/")["machines"][0]["gpu_occupancy"])
        self.check()

    def test_who_may_not(self):
        number = self.rent()
        for amount, status, error in ((0, 400, "invalid_args"), (-1, 400, "invalid_args"), ("x", 400, "invalid_args"),
                                      (None, 400, "invalid_args"), (0.1, 400, "invalid_args"), (99999, 400, "invalid_args"),
                                      (1877.04, 411, "insufficient_balance")):
            answered, reply = self.prepay(number, amount)
            self.assertEqual((answered, reply["error"]), (status, error), amount)
        for somebody in (self.bo, self.hal):
            answered, reply = self.prepay(number, 5, somebody)
            self.assertEqual((answered, reply["error"]), (400, "no_such_instance"))
            unknown = self.prepay(999999, 5, somebody)
            self.assertEqual((unknown[0], unknown[1]["error"]), (400, "no_such_instance"))
            self.assertEqual(somebody.call("GET", f"/api/v0/instances/balance/{number}/")[0], 404)
        # Given credit is not taken.
        answered, reply = self.prepay(number, 1000000)
        self.assertEqual((answered, reply["error"]), (400, "invalid_args"))
        self.assertIn("at most $1877.04", reply["msg"])
        bid = self.rent(price=0.2)
        self.assertEqual(self.prepay(bid, 5)[1]["error"], "invalid_args")
        self.end(bid)
        self.end(number)
        self.check()

    def test_a_string_is_an_amount_and_a_repetition_is_none(self):
        number = self.rent()
        credit = self.credit()
        for _ in range(3):
            status, reply = self.prepay(number, "208.56")
            self.assertEqual((status, reply["success"], reply["discount_rate"]), (200, True, 0.2))
        self.assertLess(credit - self.credit(), MONTH + 1)
        self.end(number)
        self.check()

    def check(self):
        done = subprocess.run([BIN / "berthd", "check", "--ledger", "--data", self.world.data], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
