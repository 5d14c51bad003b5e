#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes as the clients ask for them (api.md 2.14): offered, found, taken, mounted, charged, deleted."""

import json
import time
import unittest

from world import World
from patience import wait_until


class Volumes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("--rate-factor", "20").__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.bo = cls.world.user("bo", credit="25.00")
        cls.hal = cls.world.user("hal")
        cls.paper = cls.hal.machine(gpus=4)
        cls.paper.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.paper.id, "price_gpu": 0.36, "price_disk": 0.15, "price_inetu": 0, "price_inetd": 0,
            "price_min_bid": None, "min_chunk": 1, "end_date": None, "credit_discount_max": None,
            "duration": None, "vol_size": 0, "vol_price": None})
        cls.paper.follow()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def tearDown(self):
        for person in (self.ada, self.bo):
            rows = person.ok("GET", "/api/v0/instances")["instances"]
            person.ok("DELETE", "/api/v0/instances/", {"instance_ids": [row["id"] for row in rows]})
            for row in person.ok("GET", "/api/v0/volumes?owner=me&type=all_volume")["volumes"]:
                person.ok("DELETE", f"/api/v0/volumes/?id={row['id']}", {})
        self.paper.follow()

    def offer(self, size=100, price=0.1):
        made = self.hal.ok("POST", "/api/v0/volumes/", {
            "size": size, "machine": self.paper.id, "price_disk": price, "end_date": time.time() + 1e6})
        return made["volume_offers"][0]

    def search(self, **query):
        body = {"verified": {"eq": True}, "external": {"eq": False}, "disk_space": {"gte": "1"},
                "order": [["score", "desc"]], "allocated_storage": 1.0} | query
        body = {name: value for name, value in body.items() if value is not None}
        return self.ada.ok("POST", "/api/v0/volumes/search/", body)["offers"]

    def ask(self):
        """An offer of one GPU that can be had."""
        return wait_until("an offer", 30, lambda: self.world.call("POST", "/api/v0/bundles/", {
            "num_gpus": {"eq": 1}})[1]["offers"])[0]["id"]

    def rent(self, person, **more):
        body = {"client_id": "me", "image": "ubuntu:22.04", "disk": 10.0, "env": {}, "price": None,
                "runtype": "ssh_direc ssh_proxy"} | more
        def try_to():
            status, reply = person.call("PUT", f"/api/v0/asks/{self.ask()}/", body)
            return (status, reply) if status != 404 or "no_such_ask" not in reply["msg"] else None

        return wait_until("an offer can be had", 30, try_to)

    def test_a_part_of_the_disk_is_encrypted(self):
        for wrong, code in ((10, 400), (11, 400), (-1, 400), ("4", 400), (1.5, 400)):
            status, reply = self.rent(self.ada, encrypted_workspace=wrong)
            self.assertEqual((status, reply["error"]), (code, "invalid_args"), reply)
        offer = self.offer()
        status, reply = self.rent(self.ada, encrypted_workspace=4, volume_info={
            "create_new": True, "volume_id": offer, "size": 5, "mount_path": "/workspace"})
        self.assertEqual((status, reply["error"]), (400, "invalid_args"), reply)
        self.assertIn("/workspace", reply["msg"])
        self.hal.ok("POST", "/api/v0/volumes/unlist", {"id": offer})
        status, reply = self.rent(self.ada, encrypted_workspace=4)
        self.assertEqual(status, 400, reply)
        self.assertIn("cannot encrypt", reply["msg"])
        self.assertEqual(self.ada.ok("GET", "/api/v0/instances")["instances"], [])

        able = self.hal.machine(gpus=1, encrypts_workspaces=1)
        able.follow()
        self.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": able.id, "price_gpu": 0.36, "price_disk": 0.15, "vol_size": 0})
        able.follow()
        found = wait_until("an offer", 30, lambda: self.world.call("POST", "/api/v0/bundles/", {
            "encrypted_workspace": {"eq": True}})[1]["offers"])
        self.assertEqual([(row["machine_id"], row["encrypted_workspace"]) for row in found], [(able.id, True)])
        made = self.ada.ok("PUT", f"/api/v0/asks/{found[0]['id']}/", {
            "client_id": "me", "image": "ubuntu:22.04", "disk": 10.0, "encrypted_workspace": 4})
        able.follow()
        row = self.ada.ok("GET", f"/api/v0/instances/{made['new_contract']}/")["instances"]
        self.assertEqual((row["encrypted_workspace"], row["disk_space"]), (4, 10))
        spec = next(i for i in able.desired["instances"] if i["id"] == made["new_contract"])["spec"]
        self.assertRegex(spec["workspace_key"], "^[0-9a-f]{64}$")
        self.assertNotIn(spec["workspace_key"], json.dumps(row))
        self.ada.ok("DELETE", f"/api/v0/instances/{made['new_contract']}/", {})
        able.follow()
        self.hal.ok("DELETE", f"/api/v0/machines/{able.id}/asks/")

    def test_space_is_offered_found_and_taken_back(self):
        offer = self.offer()
        found = self.search(verified=None)
        self.assertEqual([row["id"] for row in found], [offer])
        row = found[0]
        self.assertEqual((row["disk_space"], row["storage_cost"], row["machine_id"]), (100, 0.1, self.paper.id))
        for name in ("cuda_max_good", "cpu_ghz", "disk_bw", "disk_space", "storage_cost", "inet_up", "inet_down",
                     "reliability", "duration"):
            self.assertIsInstance(row[name], (int, float, type(None)), name)
        self.assertEqual(self.search(verified=None, disk_space={"gte": "101"}), [])
        self.assertEqual(self.search(verified=None, storage_cost={"lt": 0.1}), [])
        self.assertEqual(len(self.search(verified=None, rentable={"eq": True}, machine_id={"in": [str(self.paper.id)]})), 1)
        self.assertEqual(self.ada.call("POST", "/api/v0/volumes/search/", {"limit": "x"})[0], 400)
        # Offers of GPUs say what there is beside them.
        def beside():
            gpu = self.world.call("POST", "/api/v0/bundles/", {"num_gpus": {"eq": 1}})[1]["offers"][0]
            return gpu if gpu["avail_vol_ask_id"] == offer else None

        gpu = wait_until("the volume's offer beside the GPU's", 30, beside)
        self.assertEqual(gpu["avail_vol_size"], 100)
        self.assertAlmostEqual(gpu["avail_vol_dph"], 0.1 * 100 / 720)
        again = self.hal.ok("POST", "/api/v0/volumes", {"size": 15, "machine": [self.paper.id], "price_disk": 0.1,
                                                        "end_date": None})["volume_offers"][0]
        self.assertNotEqual(again, offer)
        self.assertIn("msg", self.hal.ok("POST", "/api/v0/volumes/unlist", {"id": again}))
        self.assertEqual(self.search(verified=None), [])
        self.assertEqual(self.hal.call("POST", "/api/v0/volumes/unlist", {"id": again})[1]["error"], "no_such_ask")

    def test_a_volume_from_its_making_to_its_end(self):
        made = self.ada.ok("PUT", "/api/v0/volumes/", {"size": 19.2, "id": self.offer(), "name": "d1"})
        self.assertEqual(made["volume_name"], f"V.{made['volume_id']}")
        rows = self.ada.ok("GET", "/api/v0/volumes?owner=me&type=local_volume")["volumes"]
        self.assertEqual([(row["id"], row["label"], row["disk_space"], row["instances"]) for row in rows],
                         [(made["volume_id"], "d1", 20, [])])
        self.assertIsInstance(rows[0]["start_date"], (int, float))
        self.assertAlmostEqual(rows[0]["storage_total_cost"], 0.1 * 20 / 720)
        self.assertEqual(self.ada.ok("GET", "/api/v0/volumes?owner=me&type=network_volume")["volumes"], [])
        self.assertEqual(self.bo.ok("GET", "/api/v0/volumes?owner=me&type=all_volume")["volumes"], [])
        # It is no instance.
        self.assertEqual(self.ada.ok("GET", "/api/v0/instances")["instances"], [])
        self.assertIsNone(self.ada.ok("GET", f"/api/v0/instances/{made['volume_id']}/?owner=me")["instances"])
        self.assertEqual(self.bo.call("DELETE", f"/api/v0/volumes/?id={made['volume_id']}", {})[1]["error"],
                         "no_such_volume")
        self.ada.ok("DELETE", "/api/v0/volumes/", {"id": made["volume_id"]})
        self.paper.follow()
        self.assertEqual(self.search(verified=None)[0]["disk_space"], 100)
        self.assertEqual(self.ada.ok("GET", "/api/v0/volumes?owner=me")["volumes"], [])
        self.assertEqual(self.ada.call("DELETE", f"/api/v0/volumes/?id={made['volume_id']}", {})[0], 404)

    def test_a_clone_is_a_volume_once_its_host_has_copied(self):
        offer = self.offer()
        source = self.ada.ok("PUT", "/api/v0/volumes/", {"size": 20, "id": offer, "name": "d1"})["volume_id"]
        body = {"src_id": source, "dst_id": offer, "size": 24.5, "disable_compression": True}
        for change, want in (({"src_id": source + 1000}, (404, "no_such_volume")), ({"dst_id": 987654321}, (404, "no_such_ask")),
                             ({"size": 19}, (400, "invalid_args")), ({"size": "25"}, (400, "invalid_args")),
                             ({"size": 81}, (400, "invalid_args")), ({"src_id": f"V.{source}"}, (400, "invalid_args"))):
            status, reply = self.ada.call("POST", "/api/v0/volumes/copy/", body | change)
            self.assertEqual((status, reply["error"]), want, reply)
        status, reply = self.bo.call("POST", "/api/v0/volumes/copy/", body)
        self.assertEqual((status, reply["error"]), (404, "no_such_volume"), reply)
        made = self.ada.ok("POST", "//api/v0/volumes/copy", body)
        self.assertEqual(made["volume_name"], f"V.{made['volume_id']}")
        rows = {row["id"]: row for row in self.ada.ok("GET", "/api/v0/volumes?owner=me&type=all_volume")["volumes"]}
        self.assertEqual([(rows[one]["status"], rows[one]["disk_space"], rows[one]["label"]) for one in (source, made["volume_id"])],
                         [("active", 20, "d1"), ("copying", 25, "d1")])
        status, reply = self.rent(self.ada, env={f"-v V.{made['volume_id']}:/data": "1"})
        self.assertEqual((status, reply["error"]), (409, "conflict"), reply)
        status, reply = self.ada.call("DELETE", f"/api/v0/volumes/?id={source}", {})
        self.assertEqual((status, reply["error"]), (409, "in_use"), reply)
        self.paper.poll()
        op, = self.paper.desired["ops"]
        self.assertEqual((op["kind"], op["instance_id"], op["source_id"], op["size_gb"]), ("clone", made["volume_id"], source, 25))
        self.paper.finish_ops("7 files")
        blob = made["result_url"].split("/", 3)[3]
        self.assertEqual(self.world.call("GET", "/" + blob)[0], 200)
        rows = self.ada.ok("GET", "/api/v0/volumes?owner=me")["volumes"]
        self.assertEqual({row["status"] for row in rows}, {"active"})
        status, reply = self.rent(self.ada, env={f"-v V.{made['volume_id']}:/data": "1"})
        self.assertEqual(status, 200, reply)

    def test_an_instance_comes_with_one_and_the_next_finds_it(self):
        offer = self.offer()
        status, reply = self.rent(self.ada, volume_info={
            "mount_path": "/data", "create_new": True, "volume_id": offer, "size": 20, "name": "d1"})
        self.assertEqual(status, 200, reply)
        volume = reply["volume_id"]
        self.paper.follow()
        told = next(one for one in self.paper.desired["instances"] if one["id"] == reply["new_contract"])
        self.assertEqual(told["spec"]["volumes"], [{"id": volume, "size_gb": 20, "path": "/data"}])
        shown = self.ada.ok("GET", f"/api/v0/instances/{reply['new_contract']}/?owner=me")["instances"]
        self.assertEqual(shown["volume_info"], [{"id": volume, "path": "/data", "avail_space": 20, "total_space": 20}])
        self.assertIn([f"-v V.{volume}:/data", "1"], shown["extra_env"])
        self.assertEqual(self.ada.ok("GET", "/api/v0/volumes?owner=me")["volumes"][0]["instances"], [reply["new_contract"]])
        status, refused = self.ada.call("DELETE", f"/api/v0/volumes/?id={volume}", {})
        self.assertEqual((status, refused["error"]), (409, "in_use"))
        self.ada.ok("DELETE", f"/api/v0/instances/{reply['new_contract']}/", {})
        self.paper.follow()
        for env in ({f"-v V.{volume}:/mnt/x": "1", "A": "b"}, f"-e A=b -v V.{volume}:/mnt/x"):
            status, reply = self.rent(self.ada, env=env)
            self.assertEqual(status, 200, reply)
            self.paper.follow()
            told = next(one for one in self.paper.desired["instances"] if one["id"] == reply["new_contract"])
            self.assertEqual(told["spec"]["volumes"], [{"id": volume, "size_gb": 20, "path": "/mnt/x"}])
            self.ada.ok("DELETE", f"/api/v0/instances/{reply['new_contract']}/", {})
            self.paper.follow()
        status, reply = self.rent(self.bo, volume_info={"mount_path": "/data", "create_new": False, "volume_id": volume})
        self.assertEqual((status, reply["error"]), (404, "no_such_volume"))

    def test_a_template_says_how_large_and_where(self):
        template = self.ada.ok("POST", "/api/v0/template/", {
            "name": "sets", "image": "ubuntu:22.04",
            "volume_info": {"create_new": True, "size": 12, "mount_path": "/sets", "name": "sets"}})["template"]
        offer = self.offer()
        for asked, size, path in (({}, 12, "/sets"), ({"size": 7, "mount_path": "/here"}, 7, "/here")):
            status, reply = self.rent(self.ada, template_hash_id=template["hash_id"],
                                      volume_info={"create_new": True, "volume_id": offer} | asked)
            self.assertEqual(status, 200, reply)
            shown = self.ada.ok("GET", f"/api/v0/instances/{reply['new_contract']}/")["instances"]["volume_info"]
            self.assertEqual([(use["id"], use["path"], use["total_space"]) for use in shown], [(reply["volume_id"], path, size)])
            row = next(one for one in self.ada.ok("GET", "/api/v0/volumes?owner=me")["volumes"] if one["id"] == reply["volume_id"])
            self.assertEqual(row["label"], "sets")
            self.ada.ok("DELETE", f"/api/v0/instances/{reply['new_contract']}/", {})
            self.paper.follow()
        # Unasked, it is not made: it would cost something for ever.
        status, reply = self.rent(self.ada, template_hash_id=template["hash_id"])
        self.assertEqual(status, 200, reply)
        self.assertEqual(self.ada.ok("GET", f"/api/v0/instances/{reply['new_contract']}/")["instances"]["volume_info"], [])

    def test_what_makes_no_sense_makes_nothing(self):
        offer = self.offer()
        rows = [
            {"volume_info": {"create_new": True, "volume_id": offer}},
            {"volume_info": {"mount_path": "/proc", "create_new": True, "volume_id": offer}},
            {"volume_info": {"mount_path": "data", "create_new": True, "volume_id": offer}},
            {"volume_info": {"mount_path": "/data", "create_new": True, "volume_id": offer, "size": -1}},
            {"volume_info": {"mount_path": "/data", "create_new": True, "volume_id": offer, "size": 1e9}},
            {"volume_info": {"mount_path": "/data", "create_new": True, "volume_id": offer, "size": 101}},
            {"volume_info": ["x"]},
            {"env": {"-v V.1": "1"}},
            {"env": {"-v /etc:/etc": "1"}},
            {"env": {"-v V.1:/a": "1", "-v V.2:/a": "1"}},
            {"env": {"-v V.7:/data": "1"}, "volume_info": {"mount_path": "/data", "create_new": True, "volume_id": offer}},
        ]
        for more in rows:
            with self.subTest(more=json.dumps(more)):
                status, reply = self.rent(self.ada, **more)
                self.assertEqual((status, reply["error"]), (400, "invalid_args"), reply)
        status, reply = self.rent(self.ada, label="x", volume_info={
            "mount_path": "/data", "create_new": True, "volume_id": offer, "name": "n" * 1025})
        self.assertEqual((status, reply["error"]), (400, "label_too_long"))
        self.assertEqual(self.ada.ok("GET", "/api/v0/volumes?owner=me")["volumes"], [])
        self.assertEqual(self.ada.ok("GET", "/api/v0/instances")["instances"], [])
        for body in ({"id": offer, "size": 0}, {"id": offer, "size": "much"}, {"id": "x"}, {"size": 1}, {"id": offer, "size": 101}):
            self.assertEqual(self.ada.call("PUT", "/api/v0/volumes/", body)[1]["error"], "invalid_args", body)
        for body in ({"machine": []}, {"machine": [0]}, {"machine": self.paper.id, "size": 1e6},
                     {"machine": self.paper.id, "end_date": 5}, {"machine": self.paper.id, "price_disk": 1e8}):
            self.assertEqual(self.hal.call("POST", "/api/v0/volumes/", body)[1]["error"], "invalid_args", body)
        self.assertEqual(self.ada.call("DELETE", "/api/v0/volumes/?id=x", {})[1]["error"], "invalid_args")
        poor = self.world.user("poor")
        self.assertEqual(poor.call("PUT", "/api/v0/volumes/", {"id": offer, "size": 1})[1]["error"], "insufficient_balance")

    def test_its_charge_is_on_the_bill_as_a_volumes(self):
        made = self.ada.ok("PUT", "/api/v0/volumes/", {"size": 100, "id": self.offer(price=100)})
        time.sleep(0.2)
        self.ada.ok("DELETE", f"/api/v0/volumes/?id={made['volume_id']}", {})
        now = time.time()
        for kinds, want in ((["volume"], True), (["instance"], False), (["instance", "volume"], True)):
            query = json.dumps({"day": {"gte": now - 1e5, "lte": now + 1e5}, "type": {"in": kinds}})
            rows = self.ada.ok("GET", "/api/v0/charges/?limit=100&select_filters=" + query.replace(" ", "")
                               .replace('"', "%22").replace("{", "%7B").replace("}", "%7D"))["results"]
            mine = [row for row in rows if row["source"] == f"volume-{made['volume_id']}"]
            self.assertEqual(len(mine), want, rows)
            if want:
                self.assertEqual((mine[0]["type"], [item["type"] for item in mine[0]["items"]]), ("volume", ["disk"]))
                # $100 x 100 GB / 720 h are $0.0039 a second.
                self.assertGreater(mine[0]["amount"], 0.0007)


if __name__ == "__main__":
    unittest.main()
