#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Searching: what a query may say, what is rented, why offers rank as they do, and orders that wait
for them. Every reply is held against its declaration."""

import json
import math
import random
import re
import time
import unittest

from world import World
from patience import wait_until

SEARCH = "/api/v0/bundles/"


class Offers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.bo = cls.world.user("bo")
        cls.hal = cls.world.user("hal")
        cls.machines = []
        for price, gpus in ((0.36, 4), (0.30, 2)):
            machine = cls.hal.machine(gpus=gpus)
            machine.follow()
            cls.list(machine, price_gpu=price)
            machine.follow()
            cls.machines.append(machine)
        cls.wait(lambda: len(cls.search()) == 5)

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    @classmethod
    def list(cls, machine, **terms):
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/",
                   {"machine": machine.id, "price_disk": 0.15} | terms)

    @classmethod
    def search(cls, who=None, **query):
        status, reply = (who or cls.world).call("POST", SEARCH, query)
        assert status == 200, reply
        return reply["offers"]

    @staticmethod
    def wait(is_so):
        return wait_until("the search has come to it", 30, is_so)

    def test_who_takes_gzip_gets_the_same_offers_in_fewer_bytes(self):
        rows = [("gzip, deflate", True), ("gzip;q=0, *", False), ("identity", False), ("*;q=0", False),
                ("identity;q=0, *", True), ("br", False), (None, False)]
        queries = [{}, {"order": [["dph_total", "desc"]], "type": "bid"}, {"allocated_storage": 11, "limit": 3},
                   {"num_gpus": {"eq": 9}}]
        for query in queries:
            plain = self.search(self.ada, **query)
            for accepted, is_packed in rows:
                headers = {} if accepted is None else {"Accept-Encoding": accepted}
                with self.subTest(query=query, accepted=accepted):
                    status, reply, found = self.world.call_whole("POST", SEARCH, query, key=self.ada.key, headers=headers)
                    self.assertEqual(status, 200)
                    self.assertEqual(found.get("content-encoding"), "gzip" if is_packed and plain else None)
                    self.assertEqual((found["vary"], found["content-type"]), ("Accept-Encoding", "application/json"))
                    self.assertEqual([self.but_time(offer) for offer in reply["offers"]],
                                     [self.but_time(offer) for offer in plain])

    def test_a_reply_that_is_kept_is_what_a_search_would_find(self):
        """Whatever changes between searches: who asks what was asked before, in the same words, is told
        the same as who asks in words that nobody used, and so had to be searched for."""
        draw, spaces, rented, compared = random.Random(11), 0, [], 0
        operator = self.world.user("operator", is_admin=True)
        queries = [{}, {"num_gpus": {"eq": 1}, "order": [["dph_total", "asc"]]}, {"include_unavailable": True},
                   {"rentable": {"eq": False}}]

        def ask(who, query, padding=0):
            raw = (json.dumps(query) + " " * padding).encode()
            coding = draw.choice(["gzip", "identity"])
            status, reply = self.world.call("POST", SEARCH, raw=raw, key=who and who.key,
                                            headers={"Accept-Encoding": coding})
            self.assertEqual(status, 200)
            return reply["offers"]

        def change():
            what = draw.randrange(4)
            if what == 0 and not rented:
                offers = self.search(self.ada, rentable={"eq": True}, num_gpus={"eq": 1})
                if offers:
                    rented.append(self.ada.ok("PUT", f"/api/v0/asks/{offers[0]['id']}/", {
                        "image": "ubuntu", "disk": 8, "runtype": "ssh"})["new_contract"])
            elif what == 1 and rented:
                self.ada.ok("DELETE", f"/api/v0/instances/{rented.pop()}/")
                for machine in self.machines:
                    machine.follow()
            elif what == 2:
                self.hal.ok("DELETE", f"/api/v0/machines/{self.machines[1].id}/asks/")
            else:
                self.list(draw.choice(self.machines), price_gpu=draw.randrange(20, 90) / 100)

        for _ in range(40):
            change()
            time.sleep(draw.random() / 20)
            for who in (None, self.ada, self.hal):
                query = draw.choice(queries)
                spaces += 2
                before = ask(who, query, spaces)
                kept = [ask(who, query) for _ in range(5)]
                after = ask(who, query, spaces + 1)
                known = [self.but_time(offer) for offer in before]
                if known != [self.but_time(offer) for offer in after]:
                    continue  # a change came amid them
                compared += 1
                for offers in kept:
                    self.assertEqual([self.but_time(offer) for offer in offers], known)
                    for offer, first, last in zip(offers, before, after):
                        if offer["duration"] is not None:
                            self.assertLessEqual(offer["duration"], first["duration"] + 1)
                            self.assertGreaterEqual(offer["duration"], last["duration"])
        self.assertGreater(compared, 60)
        text = operator.call("GET", "/metrics")[1]
        found = re.search(r"^berth_searches_kept_total (\d+)$", text, re.M)
        self.assertGreater(int(found[1]), 100)
        if rented:
            self.ada.ok("DELETE", f"/api/v0/instances/{rented.pop()}/")
        for machine, price in zip(self.machines, (0.36, 0.30)):
            machine.follow()
            self.list(machine, price_gpu=price)
            machine.follow()
        self.wait(lambda: len(self.search()) == 5)

    @staticmethod
    def but_time(offer):
        """The time that is left is less each time."""
        return {key: value for key, value in offer.items() if key != "duration"}

    def test_bad_queries_are_named_and_cheap(self):
        rows = [
            ({"num_gpu": {"eq": 1}}, "num_gpu"),
            ({"num_gpus": {"eq": "NaN"}}, "num_gpus"),
            ({"num_gpus": {"eq": {}}}, "num_gpus"),
            ({"gpu_name": {"eq": "x" * 900000}}, "gpu_name"),
            ({"y" * 900000: 1}, "yyyy"),
            ({"\u00e9" * 60: 1}, "\u00e9"),
            ({f"field{i}": {"eq": i} for i in range(10000)}, "field0"),
            ({"num_gpus": {"in": list(range(10000))}}, "num_gpus"),
            ({"order": [["id", "asc"]] * 10000}, "order"),
            ({"geolocation": {"eq": "Mars"}}, "geolocation"),
            ({"limit": -1}, "limit"),
            ({"type": "spot"}, "type"),
        ]
        for query, word in rows:
            with self.subTest(word):
                begin = time.monotonic()
                status, reply = self.world.call("POST", SEARCH, query)
                self.assertLess(time.monotonic() - begin, 5)
                self.assertEqual((status, reply["error"]), (400, "invalid_request"))
                self.assertIn(word, reply["msg"])
                self.assertLess(len(reply["msg"]), 200)
        for raw in (b'{"num_gpus":{"eq":NaN}}', b'{"num_gpus":{"eq":1e999}}', b'{"a":1', b"[]"):
            with self.subTest(raw):
                status, reply = self.world.call(
                    "POST", SEARCH, raw=raw, headers={"Content-Type": "application/json"})
                self.assertEqual(status, 400, reply)

    def test_every_member_of_an_offer_can_be_asked_for(self):
        offer = self.search(limit=1)[0]
        for name, value in offer.items():
            if isinstance(value, (dict, list)) or name in ("time_remaining", "time_remaining_isbid",
                                                           "is_rented"):
                continue
            with self.subTest(name):
                operator, operand = ("gte", value) if name == "score" else ("eq", value)
                if name in ("duration", "public_ipaddr"):
                    operand = None
                found = self.search(**{name: {operator: operand}, "order": [[name, "desc"]]})
                if value is not None and operand is not None:
                    self.assertIn(offer["id"], [row["id"] for row in found])

    def test_what_is_rented_is_seen_by_who_asks(self):
        offer = self.search(num_gpus={"eq": 2}, machine_id={"eq": self.machines[1].id})[0]
        rented = self.ada.ok("PUT", f"/api/v0/asks/{offer['id']}/",
                             {"image": "ubuntu", "disk": 8, "runtype": "ssh"})["new_contract"]

        def ids(**query):
            return [row["id"] for row in self.search(**query)]

        self.wait(lambda: offer["id"] not in ids())
        self.assertIn(offer["id"], ids(include_unavailable=True))
        self.assertIn(offer["id"], ids(rentable={"eq": False}))
        self.assertNotIn(offer["id"], ids(rentable={"eq": True}))
        row = self.search(include_unavailable=True, id={"eq": offer["id"]})[0]
        self.assertEqual((row["rentable"], row["rented"], row["is_rented"]), (False, False, True))
        self.assertEqual(row["dph_base"], offer["dph_base"])
        own = self.search(self.ada, include_unavailable=True, id={"eq": offer["id"]})[0]
        self.assertTrue(own["rented"])

        # Neither a new price nor no listing at all changes what it is rented for.
        self.list(self.machines[1], price_gpu=0.9)
        self.hal.ok("DELETE", f"/api/v0/machines/{self.machines[1].id}/asks/")
        time.sleep(0.3)
        row = self.search(include_unavailable=True, id={"eq": offer["id"]})[0]
        self.assertEqual(row["dph_base"], offer["dph_base"])

        self.ada.ok("DELETE", f"/api/v0/instances/{rented}/")
        self.machines[1].follow()
        self.list(self.machines[1], price_gpu=0.3)
        self.machines[1].follow()
        self.wait(lambda: len(ids()) == 5)
        self.assertNotIn(offer["id"], ids(include_unavailable=True))

    def test_why_the_first_is_first(self):
        status, reply = self.world.call("POST", SEARCH + "explain/", {"q": {}})
        self.assertEqual((status, reply["count"], reply["offer"]["rank"]), (200, 5, 1))
        first, second = reply["offer"], reply["below"]
        self.assertIsNone(reply["above"])
        self.assertEqual(first["id"], self.search(limit=1)[0]["id"])
        quotient = first["price"] / second["price"]
        for name in ("speed", "memory", "network", "reliability"):
            quotient *= second[name] / first[name]
        self.assertAlmostEqual(quotient, second["score"] / first["score"], 9)

        status, reply = self.world.call("POST", SEARCH + "explain/",
                                        {"q": {"num_gpus": {"gte": 2}}, "id": second["id"]})
        self.assertEqual(status, 200)
        one = self.search(num_gpus={"eq": 1}, limit=1)[0]["id"]
        reply = self.world.call("POST", SEARCH + "explain/",
                                {"q": {"num_gpus": {"gte": 2}}, "id": one})[1]
        self.assertIsNone(reply["offer"]["rank"])
        self.assertEqual(reply["offer"]["misses"], [
            {"field": "num_gpus", "operator": "gte", "wanted": 2, "value": 1}])
        self.assertEqual(reply["above"]["rank"], 1)
        status, reply = self.world.call("POST", SEARCH + "explain/", {"id": 987654321})
        self.assertEqual((status, reply["error"]), (404, "no_such_ask"))

    def test_a_host_learns_what_would_move_it_and_it_does(self):
        """The price that is said to lead leads; a step above it does not."""
        machine = self.machines[0]
        for query in ({"num_gpus": {"eq": 1}}, {"num_gpus": {"eq": 2}, "order": [["dph", "asc"]]}):
            with self.subTest(json.dumps(query)):
                def second(query=query):
                    reply = self.hal.ok("POST", f"/api/v0/machines/{machine.id}/rank/", {"q": query})
                    own = [row for row in reply["offers"] if row["offer"]["rank"] is not None]
                    return own[0] if [row["offer"]["rank"] for row in own] == [2] else None

                price = self.wait(second)["price_to_lead"]
                self.assertGreater(price, 0)
                for change, rank in ((0, 1), (0.0002, 2)):
                    self.list(machine, price_gpu=price + change)

                    def has_come(rank=rank, query=query):
                        found = self.search(**query)
                        return found and (found[0]["machine_id"] == machine.id) == (rank == 1)
                    self.wait(has_come)
                self.list(machine, price_gpu=0.36)
                self.wait(second)

    def test_a_host_announces_when_it_is_away(self):
        machine = self.machines[0].id
        begin = int(time.time()) + 3600
        self.hal.ok("PUT", f"/api/v0/machines/{machine}/dnotify/", {
            "client_id": "me", "sdate": begin, "duration": 0.5, "maintenance_category": "power"})
        self.hal.ok("PUT", f"/api/v0/machines/{machine}/dnotify/",
                    {"sdate": "2036-01-31T08:00:00Z", "duration": 2})
        rows = self.hal.ok("GET", f"/api/v0/machines/maintenances/?owner=me&machine_ids=[{machine}]")
        self.assertEqual([(row["start_time"], row["duration_hours"]) for row in rows],
                         [(begin, 0.5), (2085379200, 2)])
        shown = self.hal.ok("GET", f"/api/v0/machines/{machine}/")[0]["machine_maintenance"]
        self.assertEqual(shown["start_time"], begin)
        self.assertEqual(self.hal.ok("GET", "/api/v0/machines/maintenances/?machine_ids=[1000]"), [])
        self.assertEqual(self.bo.ok("GET", "/api/v0/machines/maintenances/"), [])
        for body in ({"sdate": 1, "duration": 1}, {"sdate": begin, "duration": 0},
                     {"sdate": "soon", "duration": 1}, {"sdate": begin, "duration": 1e9},
                     {"sdate": begin, "duration": 1, "maintenance_category": "fire"}):
            status, reply = self.hal.call("PUT", f"/api/v0/machines/{machine}/dnotify/", body)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), body)
        self.hal.ok("PUT", f"/api/v0/machines/{machine}/cancel_maint/", {"machine_id": machine})
        self.assertEqual(self.hal.ok("GET", "/api/v0/machines/maintenances/"), [])

    def test_the_same_terms_keep_the_ids(self):
        def ids():
            return sorted(row["id"] for row in self.search())

        before = ids()
        self.list(self.machines[0], price_gpu=0.36, duration="3 months")
        # An end is less than none. What is left of the old ones goes first.
        changed = self.wait(lambda: len(now := ids()) == len(before) and now != before and now)
        self.list(self.machines[0], price_gpu=0.36, duration="4 months")
        time.sleep(0.3)
        self.assertEqual(ids(), changed)
        self.list(self.machines[0], price_gpu=0.36)
        time.sleep(0.3)
        self.assertEqual(ids(), changed)

    def test_the_markets_figures_are_open_to_everybody(self):
        path = "/api/v0/metrics/gpu/current/"
        time.sleep(1.1)  # what was there for less than a second was not there
        status, reply = self.world.call("GET", path)
        self.assertEqual(status, 200)
        row = reply["gpus"][0]
        self.assertEqual((row["gpu_name"], row["total"], row["available"] + row["rented"]),
                         ("RTX 4090", 6, 6))
        self.assertLessEqual(row["price_p10"], row["price_median"])
        self.assertLessEqual(row["price_median"], row["price_p90"])
        self.assertTrue(0 <= row["usage_30d"] <= 100)
        _, reply = self.world.call("GET", path + "?num_gpus=1")
        self.assertIsNone(reply["gpus"][0]["usage_30d"])
        for query, count in (("?verified=no", 0), ("?hosting_type=secure_cloud", 0),
                             ("?verified=yes&hosting_type=community&num_gpus=all", 1)):
            status, reply = self.world.call("GET", path + query)
            self.assertEqual((status, len(reply["gpus"])), (200, count), query)
        for query in ("?verified=maybe", "?num_gpus=x", "?hosting_type=1", "?num_gpus=65"):
            status, reply = self.world.call("GET", path + query)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), query)

    def test_the_market_has_days_and_places(self):
        status, reply = self.world.call("GET", "/api/v0/metrics/gpu/days/")
        self.assertEqual((status, [row["days_ago"] for row in reply["days"]]), (200, list(range(29, -1, -1))))
        for row in reply["days"]:
            self.assertEqual(row["price_median"] is None, row["rented_gpu_hours"] == 0)
        _, none = self.world.call("GET", "/api/v0/metrics/gpu/days/?gpu_name=H200")
        self.assertEqual([row["gpu_hours"] + row["rented_gpu_hours"] for row in none["days"]], [0] * 30)
        status, reply = self.world.call("GET", "/api/v0/metrics/places/")
        self.assertEqual(status, 200)
        self.assertEqual(sum(row["available"] + row["rented"] for row in reply["places"]), 6)
        for row in reply["places"]:
            self.assertEqual(row["country_code"] is None, row["continent"] is None)

    def test_reliability_follows_from_the_public_log(self):
        number = self.machines[1].id
        status, reply = self.world.call("GET", f"/api/v0/machines/{number}/history/")
        self.assertEqual((status, reply["is_online"]), (200, True))
        half, now = reply["half_life_days"] * 86400, reply["now"]
        lost, up, until = 0.5, 13.5, now
        for event in reply["events"]:
            end = event["end"] or now
            lost += event["severity"] * 2 ** ((end - now) / half)
            if event["kind"] != "failed_start":
                up += half / math.log(2) * (2 ** ((until - now) / half) - 2 ** ((end - now) / half)) / 3600
                until = event["start"]
        self.assertEqual(reply["events"][-1]["kind"], "joined")
        self.assertAlmostEqual(reply["reliability"], (up / (up + 24)) ** lost, 4)
        self.assertAlmostEqual(reply["interruptions"], lost, 4)
        self.assertAlmostEqual(reply["chance_7d"], (up / (up + 168)) ** lost, 4)
        status, reply = self.world.call("GET", "/api/v0/machines/987654321/history/")
        self.assertEqual((status, reply["error"]), (404, "no_such_machine"))

    def test_what_is_asked_of_a_machine_is_public(self):
        number = self.machines[1].id
        status, reply = self.world.call("GET", f"/api/v0/machines/{number}/checks/")
        self.assertEqual((status, reply["is_online"]), (200, True))
        # This market counts every machine as verified, and says that it was told so.
        self.assertEqual((reply["verification"], reply["is_set"], reply["back_at"]),
                         ("verified", True, None))
        lines = {line["name"]: line for line in reply["checks"]}
        self.assertEqual(len(lines), len(reply["checks"]))
        self.assertEqual(lines["gpu_generation"]["state"], "good")
        self.assertEqual((lines["measured"]["state"], lines["measured"]["costs"]), ("unknown", "badge"))
        self.assertEqual(reply["failed"], [line["name"] for line in reply["checks"]
                                           if line["state"] in ("bad", "unknown")])
        for line in reply["checks"]:
            self.assertEqual(line["mend"] is None, line["name"] not in reply["failed"], line)
        status, reply = self.world.call("GET", "/api/v0/machines/987654321/checks/")
        self.assertEqual((status, reply["error"]), (404, "no_such_machine"))

    def test_offers_that_are_not_measured_are_ordered_by_dlperf(self):
        """The client of a self-test takes the highest, of whatever members there are."""
        rows = self.world.call("POST", "/api/v0/bundles/", {
            "machine_id": {"eq": str(self.machines[0].id)}, "verified": {"eq": "any"}, "rented": {"eq": "any"},
            "order": [["score", "desc"]], "type": "on-demand", "allocated_storage": 5.0})[1]["offers"]
        self.assertGreater(len(rows), 1)
        self.assertEqual([(row.get("dlperf", 0), row["dlperf_measured"]) for row in rows], len(rows) * [(0, None)])
        self.assertEqual(len(sorted(rows, key=lambda row: row.get("dlperf", 0), reverse=True)), len(rows))

    def test_dlperf_is_the_product_of_its_tasks(self):
        for profile in ("default", "classic", "fp16", "llm-decode"):
            status, reply = self.world.call(
                "GET", f"/api/v0/dlperf/?profile={profile}&gpu_name=RTX%204090")
            self.assertEqual((status, reply["profile"], reply["source"]), (200, profile, "maker"))
            score = 21
            for task in reply["tasks"]:
                score *= task["speed"] ** task["weight"]
                time_spent = task["time"]["constant"] + sum(
                    part * reply["reference"][rate] / reply["rates"][rate]
                    for rate, part in task["time"].items() if rate != "constant")
                self.assertAlmostEqual(task["speed"] * time_spent, 1, 9)
            self.assertAlmostEqual(reply["score"], score, 6)
        _, reply = self.world.call("GET", "/api/v0/dlperf/?gpu_name=Tesla%20V100")
        self.assertAlmostEqual(reply["score"], 21, 9)
        _, reply = self.world.call("GET", "/api/v0/dlperf/")
        self.assertEqual((reply["rates"], reply["score"]), (None, None))
        self.assertIn("training", [row["name"] for row in reply["profiles"]])
        for query in ("?profile=fast", "?gpu_name=", "?gpu_name=RTX%204091"):
            status, reply = self.world.call("GET", "/api/v0/dlperf/" + query)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), query)
        for body in ({"dlperf_profile": "fast"}, {"precision": "fp8"}, {"image": 7}):
            status, reply = self.world.call("POST", "/api/v0/bundles/", body)
            self.assertEqual((status, reply["error"]), (400, "invalid_request"), body)
        self.assertEqual(len(self.search(image="pytorch/pytorch", precision="fp16")),
                         len(self.search()))

    def test_what_a_machine_would_earn_has_its_sample(self):
        path = "/api/v0/metrics/earnings/"
        status, reply = self.world.call("GET", path + "?gpu_name=H200&num_gpus=2&region=EU")
        self.assertEqual((status, reply["sample"]["rentals"]), (200, 0))
        self.assertIsNone(reply["earn_month"]["median"])
        for query in ("", "?gpu_name=H200&region=Mars", "?gpu_name=H200&num_gpus=x"):
            status, reply = self.world.call("GET", path + query)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), query)

    def test_an_order_rents_when_its_price_comes(self):
        order = self.ada.ok("POST", "/api/v0/orders/", {
            "query": {"num_gpus": {"eq": 1}, "dph_per_gpu": {"lte": 0.2}}, "label": "cheap",
            "launch": {"image": "ubuntu", "disk": 9, "runtype": "ssh"}})["order"]
        alert = self.bo.ok("POST", "/api/v0/orders/", {
            "query": {"num_gpus": {"eq": 1}, "dph_per_gpu": {"lte": 0.2}}})["order"]
        self.assertEqual((order["state"], order["starts"], alert["starts"]),
                         ("waiting", True, False))

        def state(who, number):
            rows = who.ok("GET", "/api/v0/orders/")["orders"]
            return next(row for row in rows if row["id"] == number)

        time.sleep(0.3)
        self.assertEqual(state(self.ada, order["id"])["state"], "waiting")
        self.list(self.machines[0], price_gpu=0.2)
        self.wait(lambda: state(self.ada, order["id"])["state"] == "fired")
        self.wait(lambda: state(self.bo, alert["id"])["state"] == "fired")
        number = state(self.ada, order["id"])["instance_id"]
        row = self.ada.ok("GET", f"/api/v0/instances/{number}/")["instances"]
        self.assertEqual((row["num_gpus"], row["machine_id"], row["disk_space"]),
                         (1, self.machines[0].id, 9))
        self.assertIsNone(state(self.bo, alert["id"])["instance_id"])
        status, reply = self.ada.call("DELETE", f"/api/v0/orders/{order['id']}/")
        self.assertEqual((status, reply["error"]), (404, "no_such_order"))

        self.ada.ok("DELETE", f"/api/v0/instances/{number}/")
        self.machines[0].follow()
        self.list(self.machines[0], price_gpu=0.36)
        self.machines[0].follow()
        self.wait(lambda: len(self.search()) == 5)

    def test_orders_that_make_no_sense_are_refused(self):
        for body in ({"query": {}}, {"query": {"nope": 1}}, {"query": [1]}, {},
                     {"query": {"num_gpus": 1}, "days": 0}, {"query": {"num_gpus": 1}, "days": 366},
                     {"query": {"num_gpus": 1}, "launch": {"disk": 9}},
                     {"query": {"num_gpus": 1}, "launch": {"image": "NOT AN IMAGE"}},
                     {"query": {"num_gpus": 1, "type": "bid"}, "launch": {"image": "ubuntu"}},
                     {"query": {"num_gpus": 1}, "launch": {"image": "ubuntu", "price": 0.2}},
                     {"query": {"num_gpus": 1, "type": "bid"},
                      "launch": {"image": "ubuntu", "price": -1}},
                     {"query": {"num_gpus": 1}, "launch": {"image": "x", "env": 5}}):
            with self.subTest(json.dumps(body)):
                status, reply = self.ada.call("POST", "/api/v0/orders/", body)
                self.assertEqual((status, reply["error"]), (400, "invalid_args"), reply)


if __name__ == "__main__":
    unittest.main()
