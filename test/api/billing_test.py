#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bills: what was charged adds up to what is gone, whoever asks and however; each reply is held against
its declaration."""

import csv
import io
import json
import time
import unittest
import urllib.parse
from decimal import Decimal

from world import World
from patience import wait_until

ALWAYS = {"gte": 0, "lte": 4000000000}


def query(**words):
    return "?" + urllib.parse.urlencode({name: word if isinstance(word, str) else json.dumps(word)
                                         for name, word in words.items()})


class Billing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="5.00")
        cls.bo = cls.world.user("bo")
        cls.hal = cls.world.user("hal")
        cls.machine = cls.hal.machine(gpus=2)
        cls.machine.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.machine.id, "price_gpu": 3600, "price_disk": 500, "price_inetu": 0.02,
            "price_inetd": 0.01, "price_min_bid": 0.1, "min_chunk": 1})
        cls.machine.follow()
        cls.world.admin("credit", "deposit", "--user", str(cls.ada.id), "--amount", "40000.00",
                        "--ticket", "wire 1")
        cls.ids = [cls.live(label) for label in ("=train, \"a\"", None)]

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    @classmethod
    def live(cls, label):
        """Rented, run for a moment, and destroyed: all of it is posted."""
        def try_to():
            found = cls.world.call("POST", "/api/v0/bundles/", {"num_gpus": {"eq": 1}})[1]["offers"]
            status, reply = cls.ada.call("PUT", f"/api/v0/asks/{found[0]['id']}/", {
                "image": "ubuntu", "disk": 10, "runtype": "ssh", "label": label}) if found else (0, {})
            return reply if status == 200 else None

        reply = wait_until("an offer can be had", 30, try_to)
        cls.machine.follow()
        time.sleep(0.3)
        cls.machine.follow()
        cls.ada.ok("DELETE", f"/api/v0/instances/{reply['new_contract']}/", {})
        cls.machine.follow()
        return reply["new_contract"]

    def charges(self, who=None, **words):
        words = {"select_filters": {"day": ALWAYS}} | words
        return (who or self.ada).ok("GET", "/api/v0/charges/" + query(**words))

    def spent(self):
        credit = self.ada.ok("GET", "/api/v0/users/current")["credit"]
        return Decimal("40005") - Decimal(str(credit)).quantize(Decimal("1.000000000"))

    def test_what_was_charged_is_what_is_gone(self):
        reply = self.charges()
        self.assertEqual((reply["count"], reply["total"], reply["next_token"]), (2, 2, None))
        gross = sum(Decimal(str(row["amount"])) for row in reply["results"])
        self.assertAlmostEqual(gross, self.spent(), 7)
        for row in reply["results"]:
            self.assertIn(row["source"], [f"instance-{number}" for number in self.ids])
            self.assertEqual(row["source"].count("-"), 1)
            self.assertLessEqual(row["start"], row["end"])
            parts = sum(Decimal(str(item["amount"])) for item in row["items"])
            self.assertAlmostEqual(parts, Decimal(str(row["amount"])), 9)
            self.assertEqual([item["type"] for item in row["items"]], ["gpu", "disk"])
            self.assertIn("hours at $3600.00/hour", row["items"][0]["description"])

    def test_pages_add_up_to_the_whole(self):
        whole = self.charges()["results"]
        first = self.charges(limit=1)
        second = self.charges(limit=1, after_token=first["next_token"])
        self.assertEqual(first["results"] + second["results"], whole)
        self.assertIsNone(second["next_token"])
        self.assertEqual(self.charges(latest_first="true")["results"], whole[::-1])
        self.assertEqual(self.ada.call("GET", "/api/v0/charges/" + query(
            select_filters={"day": ALWAYS}, after_token="x"))[1]["error"], "invalid_token")

    def test_ranges_and_kinds_are_kept_to(self):
        for filters, want in (({"day": ALWAYS, "type": {"in": ["volume"]}}, 0),
                              ({"day": ALWAYS, "type": {"in": ["instance", "volume"]}}, 2),
                              ({"day": {"gte": 0, "lte": "86400"}}, 0)):
            self.assertEqual(self.charges(select_filters=filters)["total"], want)
        for filters in ({}, {"day": {"gte": 1}}, {"dya": ALWAYS}, {"day": ALWAYS, "type": 1}, []):
            status, reply = self.ada.call("GET", "/api/v0/charges/" + query(select_filters=filters))
            self.assertEqual((status, reply["error"]), (400, "invalid_request"))
        self.assertEqual(self.charges(self.bo)["results"], [])

    def test_a_statement_is_csv_that_adds_up(self):
        status, text = self.ada.call("GET", "/api/v0/charges/csv/")
        rows = list(csv.DictReader(io.StringIO(text)))
        amounts = [Decimal(row["amount"]) for row in rows]
        self.assertEqual((status, rows[-1]["description"], rows[-2]["description"]),
                         (200, "total", "rounding"))
        self.assertEqual(sum(amounts[:-1]), amounts[-1])
        self.assertEqual(amounts[-1], amounts[-1].quantize(Decimal("0.01")))
        self.assertLessEqual(abs(amounts[-2]), Decimal("0.005"))
        # What a spreadsheet would compute is text.
        self.assertIn("'=train, \"a\"", [row["label"] for row in rows])
        self.assertEqual(self.ada.call("GET", "/api/v0/charges/csv/?month=2026-13")[0], 400)

    def test_invoices_are_what_came_and_went(self):
        path = "/api/v1/invoices/" + query(select_filters={"when": ALWAYS})
        rows = self.ada.ok("GET", path)["results"]
        self.assertEqual([(row["type"], row["source"], row["amount"]) for row in rows],
                         [("credit", "promo", -5), ("credit", "bank", -40000)])
        self.assertTrue(all(row["metadata"]["invoice_id"] > 0 for row in rows))
        only = {"when": ALWAYS, "service": {"in": ["bank"]}}
        self.assertEqual(self.ada.ok("GET", "/api/v1/invoices/" + query(select_filters=only))["total"], 1)
        status, reply = self.ada.call("GET", "/api/v1/invoices/")
        self.assertEqual((status, reply["success"]), (200, False))
        found = self.ada.ok("GET", "/api/v0/invoices/" + query(
            select_cols=["*"], select_filters={"amount_cents": {"gt": 500}}))
        self.assertEqual([row["amount_cents"] for row in found], [4000000])
        self.assertEqual(self.ada.ok("GET", "/api/v0/invoices/" + query(select_cols=["service"])),
                         [{"service": "promo"}, {"service": "bank"}])
        self.assertEqual(self.ada.call("GET", "/api/v0/invoices/" + query(
            select_filters={"cents": {"gt": 1}}))[0], 400)

    def test_older_clients_have_it_in_one(self):
        path = f"/api/v0/users/{self.ada.id}/invoices" + query(owner="me", inc_charges="true")
        reply = self.ada.ok("GET", path)
        kinds = [row["type"] for row in reply["invoices"]]
        self.assertEqual((kinds.count("charge"), kinds.count("payment")), (4, 2))
        self.assertAlmostEqual(Decimal(str(reply["current"]["charges"])), self.spent(), 7)
        charged = [row for row in reply["invoices"] if row["type"] == "charge"]
        self.assertAlmostEqual(sum(Decimal(row["amount"]) for row in charged), self.spent(), 7)
        fetched = self.ada.ok("POST", "/api/v0/contracts/fetch/", {
            "label": "=train, \"a\"", "contract_ids": self.ids + [999999]})
        self.assertEqual(fetched, {"contracts": [{"id": self.ids[0]}]})
        self.assertEqual(self.bo.ok("POST", "/api/v0/contracts/fetch/", {
            "label": "=train, \"a\"", "contract_ids": self.ids}), {"contracts": []})

    def test_hosts_earn_three_quarters(self):
        today = time.time() // 86400
        reply = self.hal.ok("GET", "/api/v0/users/me/machine-earnings" + query(
            owner="me", sday=today - 1.5, eday=today + 0.5, machid=None))
        earned = sum(Decimal(str(value)) for value in reply["summary"].values())
        self.assertAlmostEqual(earned, self.spent() * 3 / 4, 7)
        self.assertAlmostEqual(Decimal(str(reply["current"]["balance"])), earned, 9)
        for rows, key in ((reply["per_machine"], "machine_id"), (reply["per_day"], "day")):
            self.assertAlmostEqual(sum(Decimal(str(value)) for row in rows
                                       for name, value in row.items() if name != key), earned, 9)
        self.assertEqual([row["machine_id"] for row in reply["per_machine"]], [self.machine.id])
        other = self.hal.ok("GET", "/api/v0/users/me/machine-earnings" + query(machid=99))
        self.assertEqual((other["per_machine"], other["per_day"]), ([], []))
        self.assertEqual(self.hal.call("GET", "/api/v0/users/me/machine-earnings?sday=x")[0], 400)

    def test_bought_credit_can_be_given_away(self):
        def send(who, recipient, amount):
            status, reply = who.call("PUT", "/api/v0/commands/transfer_credit/", {
                "sender": "me", "recipient": recipient, "amount": amount})
            return status if status == 200 else reply["error"]

        deposit = self.world.user("dee")
        self.world.admin("credit", "deposit", "--user", str(deposit.id), "--amount", "10.00",
                         "--ticket", "wire 2")
        self.assertEqual(send(deposit, "bo@berth.test", 2.5), 200)
        self.assertEqual(send(deposit, str(self.bo.id), "2.50"), 200)
        self.assertEqual(send(deposit, self.bo.id, 5.000000001), "insufficient_balance")
        self.assertEqual(send(deposit, "nobody@berth.test", 1), "invalid_args")
        self.assertEqual(send(deposit, deposit.id, 1), "invalid_args")
        self.assertEqual(send(deposit, self.bo.id, 0), "invalid_args")
        self.assertEqual(send(self.bo, deposit.id, 5), 200)
        # What was given away by the market stays with whom it was given to.
        gifted = self.world.user("gil", credit="3.00")
        self.assertEqual(send(gifted, self.bo.id, 1), "insufficient_balance")
        path = "/api/v1/invoices/" + query(select_filters={"when": ALWAYS})
        rows = deposit.ok("GET", path)["results"]
        self.assertEqual([row["type"] for row in rows], ["credit", "transfer", "transfer", "transfer"])
        self.assertEqual([row["amount"] for row in rows], [-10, 2.5, 2.5, 5])

    def test_an_amount_to_be_warned_below_is_kept(self):
        bo = self.bo
        self.assertEqual((bo.ok("GET", "/api/v0/users/current/")["balance_threshold_enabled"]), False)
        bo.ok("PUT", "/api/v0/users/", {"balance_threshold": 7.5, "balance_threshold_enabled": True})
        shown = bo.ok("GET", "/api/v0/users/current/")
        self.assertEqual((shown["balance_threshold"], shown["balance_threshold_enabled"]), (7.5, True))
        bo.ok("PUT", "/api/v0/users/", {"balance_threshold_enabled": False})
        shown = bo.ok("GET", "/api/v0/users/current/")
        self.assertEqual((shown["balance_threshold"], shown["balance_threshold_enabled"]), (7.5, False))
        for wrong in ({"balance_threshold": -1}, {"balance_threshold": "much"}, {"balance_threshold_enabled": 7}):
            self.assertEqual(bo.call("PUT", "/api/v0/users/", wrong)[0], 400, wrong)
        self.assertEqual(bo.ok("GET", "/api/v0/users/current/")["balance_threshold"], 7.5)

    def test_nothing_is_prepaid_on_demand(self):
        path = f"/api/v0/instances/balance/{self.ids[0]}/"
        self.assertEqual(self.bo.call("GET", path)[0], 404)


if __name__ == "__main__":
    unittest.main(verbosity=1)
