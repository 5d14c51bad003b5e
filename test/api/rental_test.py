#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rental from the first search to the last charge, with a machine on paper: what every route answers
on the way, each reply held against its declaration."""

import json
import time
import unittest
import urllib.parse

from world import World
from patience import wait_until


class Rental(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.hal = cls.world.user("hal")
        cls.machine = cls.hal.machine(gpus=2)
        cls.machine.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.machine.id, "price_gpu": 0.36, "price_disk": 0.15, "price_inetu": 0,
            "price_inetd": 0, "price_min_bid": 0.1, "min_chunk": 1, "end_date": None,
            "credit_discount_max": None, "duration": None, "vol_size": None, "vol_price": None})
        cls.machine.follow()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def tearDown(self):
        rows = self.ada.ok("GET", "/api/v0/instances")["instances"]
        self.ada.ok("DELETE", "/api/v0/instances/", {"instance_ids": [row["id"] for row in rows]})
        self.machine.follow()

    def offers(self, **query):
        """Our machine's, once the catalog has heard of it."""
        body = {"rentable": {"eq": True}, "order": [["num_gpus", "asc"]]} | query
        return wait_until("an offer", 30, lambda: self.world.call("POST", "/api/v0/bundles/", body)[1]["offers"])

    def rent(self, **more):
        body = {"client_id": "me", "image": "ubuntu:22.04", "disk": 10, "price": None, "label": None,
                "env": {"A": "b=c", "-p 8081:8081": "1"}, "runtype": "ssh_direc ssh_proxy"} | more
        def try_to():
            """The catalog hears of a rental a moment later: what it lists may be gone."""
            offer = self.offers(num_gpus={"eq": "1"})[0]
            status, reply = self.ada.call("PUT", f"/api/v0/asks/{offer['id']}/", body)
            return (status, reply) if status != 404 else None

        status, reply = wait_until("an offer can be had", 30, try_to)
        self.assertEqual(status, 200, reply)
        return reply["new_contract"]

    def show(self, number):
        return self.ada.ok("GET", f"/api/v0/instances/{number}/?owner=me")["instances"]

    def page(self, **query):
        text = urllib.parse.urlencode({name: json.dumps(value) for name, value in query.items()})
        return self.ada.ok("GET", f"/api/v1/instances/?{text}")

    def test_a_search_takes_both_kinds_of_operands(self):
        for operand in ("1", 1):
            found = self.offers(num_gpus={"gte": operand}, gpu_name={"eq": "RTX_4090"})
            self.assertTrue(found)
            self.assertEqual({offer["gpu_name"] for offer in found}, {"RTX 4090"})
        self.assertEqual(self.world.call("POST", "/api/v0/bundles/", {
            "num_gpus": {"gte": "9"}})[1]["offers"], [])
        query = urllib.parse.quote(json.dumps({"limit": 1}))
        status, reply = self.world.call("GET", f"/api/v0/bundles/?q={query}")
        self.assertEqual((status, len(reply["offers"])), (200, 1))
        reply = self.ada.ok("PUT", "/api/v0/search/asks/", {
            "select_cols": ["id", "dph_total"], "q": {"limit": 1}})
        self.assertEqual(set(reply["offers"][0]), {"id", "dph_total"})
        status, reply = self.world.call("POST", "/api/v0/bundles/", {"num_gpus": {"like": 1}})
        self.assertEqual((status, reply["error"]), (400, "invalid_request"))

    def say_what_it_was_like(self, number):
        """A rating, once; and a report, which its host answers."""
        page = f"/api/v0/hosts/{self.hal.id}/ratings/"
        self.assertEqual(self.world.call("GET", page)[1]["mean"], None)
        self.ada.ok("POST", "/api/v0/ratings/", {"instance_id": number, "stars": 4, "message": "It ran."})
        for body, refused in (({"instance_id": number, "stars": 1}, (409, "conflict")),
                              ({"instance_id": number, "stars": 6}, (400, "invalid_args")),
                              ({"instance_id": number, "stars": "5"}, (400, "invalid_args"))):
            status, reply = self.ada.call("POST", "/api/v0/ratings/", body)
            self.assertEqual((status, reply["error"]), refused, body)
        status, reply = self.world.call("GET", page)
        self.assertEqual((status, reply["count"], reply["mean"], reply["ratings"][0]["message"]),
                         (200, 1, 4, "It ran."))
        self.assertEqual(self.world.call("GET", f"/api/v0/hosts/{self.ada.id}/ratings/")[0], 404)
        self.ada.ok("POST", "/api/v0/machines/reports/",
                    {"machine_id": self.machine.id, "problem": "gpu", "message": "It is hot."})
        report = self.hal.ok("GET", f"/api/v0/machines/{self.machine.id}/reports/")[0]
        self.assertIsNone(report["reply"])
        self.hal.ok("PUT", "/api/v0/machines/reports/", {"report_id": report["id"], "reply": "A fan."})
        report = self.ada.ok("GET", "/api/v0/machines/reports/")[0]
        self.assertEqual((report["machine_id"], report["reply"]), (self.machine.id, "A fan."))

    def test_the_whole_life_of_an_instance(self):
        before = self.ada.ok("GET", "/api/v0/users/current")["credit"]
        number = self.rent()
        row = self.show(number)
        self.assertEqual((row["intended_status"], row["ports"]), ("running", {}))
        self.assertIn(["A", "b=c"], row["extra_env"])
        self.machine.follow()
        row = self.show(number)
        self.assertEqual((row["actual_status"], row["cur_state"]), ("running", "running"))
        self.assertEqual(row["ports"]["22/tcp"][0]["HostPort"], str(40000 + number % 100))
        self.assertEqual(row["public_ipaddr"].strip(), "203.0.113.9")
        time.sleep(1.2)
        self.machine.follow()
        spent = before - self.ada.ok("GET", "/api/v0/users/current")["credit"]
        self.assertTrue(0 < spent < 0.01, spent)

        self.ada.ok("PUT", f"/api/v0/instances/{number}/", {"label": "mine"})
        self.assertEqual(self.show(number)["label"], "mine")
        self.ada.ok("PUT", f"/api/v0/instances/reboot/{number}/", {})
        self.machine.follow()
        self.ada.ok("PUT", f"/api/v0/instances/{number}/", {"state": "stopped"})
        self.machine.follow()
        row = self.show(number)
        self.assertEqual((row["intended_status"], row["cur_state"]), ("stopped", "stopped"))
        why = self.ada.ok("GET", f"/api/v0/instances/{number}/why/")
        self.assertTrue(why["reason"] and why["msg"])
        self.ada.ok("PUT", "/api/v0/instances/", {"state": "running", "ids": [number]})
        self.machine.follow()
        self.assertEqual(self.show(number)["actual_status"], "running")

        self.say_what_it_was_like(number)
        for _ in range(2):
            self.ada.ok("DELETE", "/api/v0/instances/", {"instance_ids": [number]})
        self.assertIsNone(self.show(number))
        status, reply = self.ada.call("DELETE", f"/api/v0/instances/{number}/", {})
        self.assertEqual((status, reply["error"]), (404, "no_such_instance"))

    def test_lists_filter_sort_and_page(self):
        numbers = [self.rent(label=label) for label in ("x", None)]
        self.machine.follow()
        page = self.page(limit=1, order_by=[{"col": "id", "dir": "desc"}])
        self.assertEqual([row["id"] for row in page["instances"]], [numbers[1]])
        self.assertEqual(page["total_instances"], 2)
        page = self.ada.ok("GET", "/api/v1/instances/?limit=1&order_by="
                           + urllib.parse.quote('[{"col":"id","dir":"desc"}]')
                           + "&after_token=" + urllib.parse.quote(page["next_token"]))
        self.assertEqual(([row["id"] for row in page["instances"]], page["next_token"]),
                         ([numbers[0]], None))
        page = self.page(select_filters={"label": {"in": [None]}}, select_cols=["id", "nonsense"])
        self.assertEqual(page["instances"], [{"id": numbers[1], "nonsense": None}])
        page = self.page(select_filters={"label": {"eq": "x"}})
        self.assertEqual([row["id"] for row in page["instances"]], [numbers[0]])
        for query in ({"select_filters": {"nonsense": {"eq": 1}}},
                      {"select_filters": {"id": {"like": 1}}},
                      {"order_by": [{"col": "nonsense", "dir": "asc"}]}):
            text = urllib.parse.urlencode({k: json.dumps(v) for k, v in query.items()})
            status, reply = self.ada.call("GET", f"/api/v1/instances/?{text}")
            self.assertEqual((status, reply["error"]), (400, "invalid_request"))
        status, reply = self.ada.call("GET", "/api/v1/instances/?after_token=nonsense")
        self.assertEqual((status, reply["error"]), (400, "invalid_token"))
        listed = self.ada.ok("GET", "/api/v0/instances?owner=me")
        self.assertEqual(listed["instances_found"], 2)
        self.assertTrue(self.ada.ok("GET", "/api/v0/instances/filters/")["filters"])

    def test_logs_come_by_an_address_that_needs_no_key(self):
        number = self.rent()
        self.machine.follow()
        for path, body in ((f"/api/v0/instances/request_logs/{number}/", {"tail": "10"}),
                           (f"/api/v0/instances/command/{number}/", {"command": "ls -l"})):
            reply = self.ada.ok("PUT", path, body)
            url = urllib.parse.urlsplit(reply["result_url"])
            self.assertEqual(f"{url.scheme}://{url.netloc}", f"http://{self.world.address}")
            self.assertEqual(self.world.call("GET", url.path)[0], 404)
            self.machine.follow()
            self.assertEqual(self.machine.finish_ops("one\ntwo\n"), 1)
            status, text = self.world.call("GET", url.path)
            self.assertEqual((status, text), (200, "one\ntwo\n"))
            self.machine.follow()

    def test_what_the_host_sees(self):
        row = self.hal.ok("GET", f"/api/v0/machines/{self.machine.id}?owner=me")[0]
        self.assertEqual((row["num_gpus"], row["listed"], row["listed_gpu_cost"]), (2, True, 0.36))
        number = self.rent()
        self.machine.follow()
        rows = self.hal.ok("GET", "/api/v0/machines?owner=me")["machines"]
        self.assertEqual([one["gpu_occupancy"].split().count("D") for one in rows], [1])
        told = self.hal.ok("GET", f"/api/v0/machines/{self.machine.id}/rentals/")
        gpu = next(one for one in told["gpus"] if one["contract_id"] == number)
        self.assertEqual((len(told["gpus"]), [one["index"] for one in told["gpus"]]), (2, [0, 1]))
        self.assertEqual((gpu["class"], gpu["name"], gpu["memory_mb"]), ("on-demand", "RTX 4090", 24564))
        mine = next(one for one in told["contracts"] if one["id"] == number)
        self.assertEqual((mine["class"], mine["num_gpus"], mine["runs"], mine["gpu_hour"]), ("on-demand", 1, True, 0.36))
        self.assertAlmostEqual(mine["earn_hour"], 0.75 * (mine["gpu_hour"] + mine["disk_hour"]), 6)
        self.assertNotIn("user_id", json.dumps(told))
        self.assertEqual((gpu["temperature_c"], gpu["slowed_by"], gpu["gauged_at"]), (None, None, None))
        uuid = self.machine.facts["gpus"][gpu["index"]]["uuid"]
        self.machine.gauges = {"gpu_gauges": [
            {"uuid": uuid, "permille": 873, "memory_used_mb": 9000, "temperature_c": 71, "power_w": -1,
             "core_mhz": 2520, "memory_mhz": 10501, "brakes": 3}]}
        self.machine.beat()
        told = self.hal.ok("GET", f"/api/v0/machines/{self.machine.id}/rentals/")
        self.assertEqual([(one["gpu_util"], one["memory_used_mb"], one["temperature_c"], one["power_w"], one["core_mhz"],
                           one["memory_mhz"], one["slowed_by"], one["gauged_at"] is None) for one in told["gpus"]
                          if one["index"] == gpu["index"]],
                         [(87.3, 9000, 71, None, 2520, 10501, ["power", "heat"], False)])

    def test_a_machines_speed_is_explained_as_it_was_measured(self):
        path = f"/api/v0/dlperf/?machine_id={self.machine.id}"
        status, reply = self.world.call("GET", path)
        self.assertEqual((status, reply["source"], reply["score"]), (200, None, None))
        self.assertEqual((reply["machine"]["measured"], reply["machine"]["gpus"]), (None, []))
        gpus = [{"uuid": one["uuid"], "tf32_gflops": 80000, "f32_gflops": 70000 + index, "f16_gflops": 160000,
                 "bf16_gflops": 160000, "memory_mbs": 950000, "pcie_down_mbs": 24000, "pcie_up_mbs": 23000,
                 "i8_gops": 320000, "peer_mbs": 20000, "wrong": index, "temperature_c": 66, "power_w": 431,
                 "core_mhz": 2520, "memory_mhz": 10501, "brakes": 3}
                for index, one in enumerate(self.machine.facts["gpus"])]
        body = {"age_s": 60, "backend": "cuda", "cpu_mops": 1, "disk_read_mbs": 1, "disk_write_mbs": 2000,
                "disk_iops": 1, "driver": self.machine.facts["driver_version"], "gpus": gpus}
        self.assertEqual(self.machine.send("POST", "/agent/v1/bench", "op", body)[0], 200)
        reply = self.world.call("GET", path)[1]
        told = reply["machine"]
        self.assertEqual((reply["source"], reply["rates"]["f32"], told["stale"], told["backend"]),
                         ("measured", 70.0, None, "cuda"))
        self.assertAlmostEqual(told["stale_at"] - told["measured"], 30 * 86400, 3)
        self.assertEqual([(one["index"], one["i8"], one["to_gpu"], one["wrong"], one["temperature_c"], one["slowed_by"])
                          for one in told["gpus"]],
                         [(0, 320.0, 20.0, 0, 66, ["power", "heat"]), (1, 320.0, 20.0, 1, 66, ["power", "heat"])])
        row = self.hal.ok("GET", f"/api/v0/machines/{self.machine.id}/")[0]
        self.assertEqual(row["dlperf_stale_at"], told["stale_at"])
        body["driver"] = "1.0"
        self.assertEqual(self.machine.send("POST", "/agent/v1/bench", "op", body)[0], 200)
        told = self.world.call("GET", path)[1]["machine"]
        self.assertEqual((told["stale"], told["driver"], told["driver_now"]),
                         ("driver", "1.0", self.machine.facts["driver_version"]))
        for query, answer in (("machine_id=987654321", (404, "no_such_machine")), ("machine_id=x", (400, "invalid_args")),
                              ("machine_id=0", (400, "invalid_args")),
                              (f"machine_id={self.machine.id}&gpu_name=RTX%204090", (400, "invalid_args"))):
            status, reply = self.world.call("GET", "/api/v0/dlperf/?" + query)
            self.assertEqual((status, reply["error"]), answer, query)

    def test_keys_reach_their_instances(self):
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBiVh9Ikm6nEwiAmgpiTsVoNNDmwlmu2FFLpFRqNwgGD m@x\n"
        made = self.ada.ok("POST", "/api/v0/ssh/", {"ssh_key": key})["key"]
        self.assertEqual(made["public_key"], made["key"])
        self.assertIn(made["id"], [one["id"] for one in self.ada.ok("GET", "/api/v0/ssh/")])
        for text in ("k.pub", "not a key", "", "ssh-ed25519 AAAA", "ssh-rsa x", key + key):
            status, reply = self.ada.call("POST", "/api/v0/ssh/", {"ssh_key": text})
            self.assertEqual((status, reply["error"]), (400, "no_ssh_key"), text)
        self.ada.ok("DELETE", f"/api/v0/ssh/{made['id']}/", {})
        status, reply = self.ada.call("DELETE", f"/api/v0/ssh/{made['id']}/", {})
        self.assertEqual((status, reply["error"]), (404, "no_such_ssh_key"))

    def test_nobody_stores_what_only_the_server_may_set(self):
        before = self.ada.ok("GET", "/api/v0/users/current")
        self.ada.ok("PUT", "/api/v0/users/", {
            "fullname": "Ada L", "credit": 1000000, "balance": 1000000, "is_admin": True, "id": 1,
            "email": "x@y.z", "email_verified": False, "can_pay": True, "api_key": self.ada.key})
        after = self.ada.ok("GET", "/api/v0/users/current")
        changed = {name for name in before if before[name] != after[name]}
        self.assertLessEqual(changed, {"fullname", "credit"})
        self.assertLessEqual(after["credit"], before["credit"])


if __name__ == "__main__":
    unittest.main()
