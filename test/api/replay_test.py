#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests as other clients send them: texts for numbers, null for what is not given, bodies with GET and
DELETE, slashes too many and too few. Every reply is checked against its declaration."""

import json
import time
import unittest
import urllib.parse

from world import World
from patience import wait_until

NOTHING = {name: None for name in (
    "price", "label", "extra", "onstart", "image_login", "jupyter_dir", "template_hash_id", "user")}


def as_query(**members):
    """What is no text is JSON, then all of it percent-encoded with + for a space."""
    return "&".join(f"{name}=" + urllib.parse.quote_plus(value if isinstance(value, str) else json.dumps(value))
                    for name, value in members.items())


class Replay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="100.00")
        cls.bo = cls.world.user("bo", credit="100.00")
        cls.hal = cls.world.user("hal")
        cls.paper = cls.hal.machine(gpus=8)
        cls.paper.follow()
        cls.list_machine()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    @classmethod
    def list_machine(cls):
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.paper.id, "price_gpu": 0.1, "price_disk": 0.1, "min_chunk": 1, "end_date": None,
            "price_inetu": None, "price_inetd": None, "credit_discount_max": None, "duration": None})
        cls.paper.follow()

    def tearDown(self):
        for who in (self.ada, self.bo):
            rows = who.ok("GET", "/api/v0/instances?owner=me")["instances"]
            who.ok("DELETE", "/api/v0/instances/", {"instance_ids": [row["id"] for row in rows]})
        self.paper.follow()

    def offers(self, least=1):
        """Offers of one GPU, two, four, ...: as many as are wanted, once the search shows them."""
        def found():
            rows = self.world.call("POST", "/api/v0/bundles/", {
                "num_gpus": {"gte": "1"}, "rentable": {"eq": True}, "verified": {"eq": "any"}, "order": [["num_gpus", "asc"]],
                "type": "on-demand", "allocated_storage": 5.0, "limit": 64})[1]["offers"]
            return [row["id"] for row in rows] if len(rows) >= least else None

        return wait_until("the machine's offers", 30, found)

    def rent(self, who=None, offer=None, **more):
        body = NOTHING | {"client_id": "me", "image": "ubuntu:22.04", "disk": 8.0, "env": {"TZ": "UTC"}, "force": False,
                          "cancel_unavail": False, "python_utf8": False, "lang_utf8": False,
                          "use_jupyter_lab": False, "runtype": "ssh_direc ssh_proxy"} | more
        return (who or self.ada).ok("PUT", f"/api/v0/asks/{offer or self.offers()[0]}/", body)["new_contract"]

    def test_several_offers_are_rented_at_once(self):
        offers = self.offers(3)[:3]
        body = NOTHING | {"ids": offers + [987654321], "client_id": "me", "image": "ubuntu:22.04", "disk": 10, "env": {},
                          "runtype": "ssh"}
        status, reply = self.ada.call("POST", "/api/v0/asks/bulk/", body)
        self.assertEqual((status, reply["success"], len(reply["new_contracts"])), (200, False, 3), reply)
        self.assertEqual([row["id"] for row in reply["failed"]], [987654321])
        # Sent again, as clients do who have heard nothing, it is the same.
        again = self.ada.ok("POST", "/api/v0/asks/bulk", body)
        self.assertEqual(again["new_contracts"], reply["new_contracts"])

    def test_bulk_says_no_where_there_is_nothing(self):
        for ids, want in (([987654321], (404, "invalid_args")), ([], (400, "invalid_args")), (["7"], (400, "invalid_args")),
                          ([0], (400, "invalid_args")), (list(range(1, 66)), (400, "invalid_args"))):
            status, reply = self.ada.call("POST", "/api/v0/asks/bulk/", {"ids": ids, "image": "ubuntu"})
            self.assertEqual((status, reply["error"]), want, reply)

    def test_a_launch_takes_the_first_that_is_found(self):
        self.offers()
        query = {"num_gpus": {"eq": "1"}, "gpu_name": {"eq": "RTX 4090"}, "disk_space": {"gte": "16"},
                 "order": [["score", "desc"]], "type": "on-demand", "limit": 3, "allocated_storage": 16.0}
        body = NOTHING | {"image": "ubuntu:22.04", "disk": 16.0, "env": {}, "runtype": "ssh_proxy", "q": query}
        del body["price"], body["user"]
        made = self.ada.ok("PUT", "//api/v0/launch_instance", body)
        shown = self.ada.ok("GET", f"/api/v0/instances/{made['new_contract']}?owner=me")["instances"]
        self.assertEqual((shown["num_gpus"], shown["disk_space"], shown["gpu_name"]), (1, 16, "RTX 4090"))
        for change, want in (({"gpu_name": {"eq": "H100 SXM"}}, (404, "no_such_ask")),
                             ({"num_gpus": {"like": 1}}, (400, "invalid_request"))):
            status, reply = self.ada.call("PUT", "/api/v0/launch_instance/", body | {"q": query | change})
            self.assertEqual((status, reply["error"]), want, reply)

    def spec_of(self, number):
        return next(one for one in self.paper.desired["instances"] if one["id"] == number)["spec"]

    def ops(self):
        self.paper.follow()
        return self.paper.desired["ops"]

    def test_an_instance_is_made_again(self):
        number = self.rent(env={"TZ": "UTC", "-p 8081:8081": "1"}, onstart="echo hi")
        self.paper.follow()
        self.assertNotIn("remake", self.spec_of(number))
        self.ada.ok("PUT", f"/api/v0/instances/recycle/{number}/", {})
        self.assertEqual(self.ada.ok("GET", f"/api/v0/instances/{number}")["instances"]["actual_status"], "rebooting")
        self.paper.follow()
        self.assertEqual((self.spec_of(number)["remake"], self.spec_of(number)["image"]), (1, "ubuntu:22.04"))
        self.assertEqual(self.ada.ok("GET", f"/api/v0/instances/{number}")["instances"]["actual_status"], "running")

    def test_an_instance_is_launched_in_another_way(self):
        number = self.rent(env={"TZ": "UTC", "-p 8081:8081": "1"}, onstart="echo hi")
        self.paper.follow()
        path = f"/api/v0/instances/update_template/{number}/"
        reply = self.ada.ok("PUT", path, {"id": number, "image": "alpine:3", "template_id": None, "env": None})
        self.assertEqual(reply["updated_instance"]["image_uuid"], "alpine:3")
        self.paper.follow()
        spec = self.spec_of(number)
        self.assertEqual((spec["image"], spec["onstart"], [port["port"] for port in spec["ports"]], spec["disk_gb"]),
                         ("alpine:3", "echo hi", [8081], 8))
        self.ada.ok("PUT", path, {"id": number, "env": {"A": "b"}, "onstart": "true", "disk": 500})
        self.paper.follow()
        spec = self.spec_of(number)
        names = [variable["name"] for variable in spec["env"]]
        self.assertTrue("A" in names and "TZ" not in names, names)
        self.assertEqual((spec["onstart"], spec["ports"], spec["disk_gb"], spec["remake"]), ("true", [], 8, 2))
        made = self.ada.ok("POST", "/api/v0/template/", {"name": "t", "image": "busybox", "tag": "1.36",
                                                        "runtype": "ssh", "env": "-e Z=1"})["template"]
        self.ada.ok("PUT", path, {"id": number, "template_hash_id": made["hash_id"]})
        self.paper.follow()
        self.assertEqual(self.spec_of(number)["image"], "busybox:1.36")
        for bad in ({"image": "-rm"}, {"env": {"1=": "x"}}, {"args": 7}):
            status, reply = self.ada.call("PUT", path, bad)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), bad)
        # One that is stopped is made again when it is next started.
        self.ada.ok("PUT", f"/api/v0/instances/{number}/", {"state": "stopped"})
        self.paper.follow()
        self.ada.ok("PUT", path, {"id": number, "image": "alpine:3"})
        self.paper.follow()
        shown = self.ada.ok("GET", f"/api/v0/instances/{number}")["instances"]
        self.assertEqual((shown["cur_state"], shown["image_uuid"]), ("stopped", "alpine:3"))

    def test_a_copy_with_a_cloud_store_goes_to_the_host_and_is_cancelled(self):
        number = self.rent()
        self.paper.follow()
        self.assertEqual(self.ada.ok("GET", "/api/v0/users/cloud_integrations/"), [])
        secret = "wJalrXUtnFEMIK7MDENG"
        made = self.ada.ok("POST", "/api/v0/users/cloud_integrations/", {
            "name": "bk", "cloud_type": "s3",
            "config": {"access_key_id": "AKIA", "secret_access_key": secret}})["connection"]
        shown = self.ada.ok("GET", "/api/v0/users/cloud_integrations/")
        self.assertEqual(shown, [made])
        self.assertEqual((made["name"], made["cloud_type"]), ("bk", "s3"))
        self.assertEqual(self.bo.ok("GET", "/api/v0/users/cloud_integrations/"), [])

        body = {"src": "/workspace", "dst": "/bk", "instance_id": str(number), "selected": str(made["id"]),
                "transfer": "Instance To Cloud", "flags": ["--dry-run"]}
        for change, want, word in (
                ({"selected": str(made["id"] + 1000)}, 404, "no_such_connection"),
                ({"selected": "bk"}, 400, "invalid_args"), ({"selected": None}, 400, "invalid_args"),
                ({"transfer": "Cloud To Cloud"}, 400, "invalid_args"), ({"flags": ["--rc"]}, 400, "invalid_args"),
                ({"flags": "--dry-run"}, 400, "invalid_args"), ({"dst": None}, 400, "invalid_args"),
                ({"src": "a\nb"}, 400, "invalid_args"), ({"instance_id": "local"}, 400, "invalid_args")):
            status, reply = self.ada.call("POST", "//api/v0/commands/rclone/", body | change)
            self.assertEqual((status, reply["error"]), (want, word), change)
        status, reply = self.bo.call("POST", "/api/v0/commands/rclone/", body)
        self.assertEqual((status, reply["error"]), (404, "no_such_instance"), reply)
        self.assertEqual(self.ops(), [])

        reply = self.ada.ok("POST", "//api/v0/commands/rclone/", body)
        self.assertTrue(reply["success"] and reply["msg"] and reply["result_url"], reply)
        op = self.ops()[0]
        self.assertEqual(
            (op["kind"], op["instance_id"], op["cloud_kind"], op["cloud_path"], op["instance_path"],
             op["cloud_flags"], op["is_to_cloud"], json.loads(op["cloud_config"])["secret_access_key"]),
            ("cloud", number, "s3", "/bk", "/workspace", "--dry-run", True, secret))
        status, again = self.ada.call("POST", "/api/v0/commands/rclone/", body)
        self.assertEqual((status, again["error"]), (409, "conflict"))
        reply = self.ada.ok("DELETE", "/api/v0/commands/rclone/", {"client_id": "me", "dst_id": str(number)})
        self.assertTrue(reply["success"], reply)
        self.assertEqual(self.ops(), [])

        # `copy` names a connection by its kind and number.
        place = {"client_id": "me", "src_id": f"s3.{made['id']}", "dst_id": f"C.{number}",
                 "src_path": "/bk/in", "dst_path": "/data"}
        self.ada.ok("PUT", "/api/v0/commands/copy_direct/", place)
        op = self.ops()[0]
        self.assertEqual((op["cloud_path"], op["instance_path"], op["is_to_cloud"]), ("/bk/in", "/data", False))
        for change, want in (({"src_id": "s3.999999"}, 404), ({"dst_id": "local"}, 400),
                             ({"src_id": "ftp.1"}, 400), ({"dst_id": "s3.1"}, 400)):
            self.assertEqual(self.ada.call("PUT", "/api/v0/commands/copy_direct/", place | change)[0], want, change)
        path = f"/api/v0/users/cloud_integrations/{made['id']}/"
        self.assertEqual(self.bo.call("DELETE", path)[0], 404)
        self.ada.ok("DELETE", path)
        self.assertEqual(self.ops(), [])
        self.assertEqual(self.ada.call("DELETE", path)[0], 404)
        for wrong in ({"name": "", "cloud_type": "s3", "config": {}}, {"name": "x", "cloud_type": "ftp", "config": {}},
                      {"name": "x", "cloud_type": "s3"}, {"name": "x", "cloud_type": "s3", "config": {"access_key_id": "A"}},
                      {"name": "x", "cloud_type": "webdav", "config": {"url": "file:///etc"}}):
            status, reply = self.ada.call("POST", "/api/v0/users/cloud_integrations/", wrong)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), wrong)

    def test_there_is_nothing_to_cancel(self):
        number = self.rent()
        for path in ("/api/v0/commands/copy_direct/", "/api/v0/commands/rclone"):
            for word in (str(number), f"C.{number}", number):
                reply = self.ada.call("DELETE", path, {"client_id": "me", "dst_id": word})
                self.assertEqual((reply[0], reply[1]["success"]), (200, False), reply)
                self.assertTrue(reply[1]["msg"], reply)
            for word, want in ((str(number + 1000), 404), ("local", 400), ("s3.101", 400), (None, 400)):
                status, reply = self.ada.call("DELETE", path, {"client_id": "me", "dst_id": word})
                self.assertEqual(status, want, reply)

    def test_a_machine_goes_for_good_once_nobody_rents_it(self):
        number = self.rent()
        path = f"/api/v0/machines/{self.paper.id}/force_delete"
        status, reply = self.hal.call("POST", path, {})
        self.assertEqual((status, reply["error"]), (409, "in_use"), reply)
        self.assertEqual(self.ada.ok("GET", f"/api/v0/instances/{number}")["instances"]["intended_status"], "running")
        other = self.hal.machine(gpus=1)
        other.follow()
        ids = [row["id"] for row in self.hal.ok("GET", "/api/v0/machines?owner=me")["machines"]]
        self.assertIn(other.id, ids)
        self.assertTrue(self.hal.ok("POST", f"/api/v0/machines/{other.id}/force_delete/", {})["msg"])
        status, reply = self.hal.call("POST", f"/api/v0/machines/{other.id}/force_delete/", {})
        self.assertEqual((status, reply["error"]), (404, "no_such_machine"), reply)
        status, reply = self.hal.call("GET", f"/api/v0/machines/{other.id}?owner=me")
        self.assertIn((status, reply["error"]), ((404, "no_such_machine"),), reply)
        self.assertEqual([row["id"] for row in self.hal.ok("GET", "/api/v0/machines")["machines"]],
                         [one for one in ids if one != other.id])

    def job(self, number, deed="reboot", **more):
        now = time.time()
        return {"start_time": now, "end_time": now + 7 * 86400, "api_endpoint": f"/api/v0/instances/{deed}/{number}/",
                "request_method": "PUT", "request_body": {"instance_id": number}, "day_of_the_week": None,
                "hour_of_the_day": 3, "frequency": "DAILY", "instance_id": number} | more

    def test_a_job_is_scheduled_changed_and_deleted(self):
        number = self.rent()
        made = self.ada.ok("POST", "/api/v0/commands/schedule_job/", self.job(number))
        status, reply = self.ada.call("POST", "/api/v0/commands/schedule_job", self.job(number))
        self.assertEqual((status, reply["error"], reply["scheduled_job_id"]),
                         (422, "job_exists", made["scheduled_job_id"]))
        self.ada.ok("PUT", f"/api/v0/commands/schedule_job/{made['scheduled_job_id']}/",
                    self.job(number, hour_of_the_day=None, frequency="HOURLY"))
        row, = self.ada.ok("GET", "/api/v0/commands/schedule_job/")
        self.assertEqual((row["api_endpoint"], row["hour_of_the_day"], row["frequency"], row["instance_id"]),
                         (f"/api/v0/instances/reboot/{number}/", None, "HOURLY", number))
        self.assertTrue(row["next_time"] % 3600 == 0 and 0 < row["next_time"] - time.time() <= 3600)
        self.ada.ok("POST", "/api/v0/commands/schedule_job/", self.job(
            number, "command", request_body={"command": "ls -l"}))
        self.assertEqual(self.bo.ok("GET", "/api/v0/commands/schedule_job/"), [])
        for row in self.ada.ok("GET", "/api/v0/commands/schedule_job/"):
            self.ada.ok("DELETE", f"/api/v0/commands/schedule_job/{row['id']}/", {})
        self.assertEqual(self.ada.ok("GET", "/api/v0/commands/schedule_job/"), [])

    def test_a_job_is_one_of_three_on_an_own_instance(self):
        """Whatever else is named would be a request in somebody's name."""
        number = self.rent()
        for change in ({"api_endpoint": f"/api/v0/instances/{number}/"}, {"api_endpoint": "/api/v0/users/"},
                       {"api_endpoint": f"/api/v0/instances/reboot/{number}/../../../users/"},
                       {"api_endpoint": "/api/v0/instances/reboot//"}, {"api_endpoint": f"http://h/api/v0/instances/reboot/{number}/"},
                       {"api_endpoint": f"/api/v0/instances/reboot/{number}//"}, {"request_method": "DELETE"},
                       {"day_of_the_week": 7}, {"hour_of_the_day": 24}, {"end_time": 0.0}, {"frequency": "SOON"},
                       {"start_time": "now"}, {"end_time": time.time() + 1}):
            status, reply = self.ada.call("POST", "/api/v0/commands/schedule_job/", self.job(number) | change)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), change)
        for body in ({}, {"command": ""}, {"command": "x" * 4097}, "ls"):
            status, reply = self.ada.call("POST", "/api/v0/commands/schedule_job/", self.job(
                number, "command", request_body=body))
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), body)
        status, reply = self.bo.call("POST", "/api/v0/commands/schedule_job/", self.job(number))
        self.assertEqual((status, reply["error"]), (404, "no_such_instance"))

    def test_a_machine_is_reported_by_who_rents_on_it(self):
        path = f"/api/v0/machines/{self.paper.id}/reports/"
        report = {"machine_id": self.paper.id, "problem": "network", "message": "Half of the packets\nare lost."}
        self.assertEqual(self.bo.call("POST", "/api/v0/machines/reports/", report)[0], 404)
        self.rent(self.bo)
        for bad in ({"problem": ""}, {"problem": "x" * 65}, {"message": "x" * 2001}, {"message": "\u001b[2J"}, {"message": None}):
            self.assertEqual(self.bo.call("POST", "/api/v0/machines/reports/", report | bad)[0], 400, bad)
        self.bo.ok("POST", "/api/v0/machines/reports/", report)
        self.assertEqual(self.bo.call("POST", "/api/v0/machines/reports/", report)[1]["error"], "conflict")
        # The client asks with a body.
        row, = self.hal.ok("GET", path, {"machine_id": self.paper.id})
        self.assertEqual((row["problem"], row["message"]), (report["problem"], report["message"]))
        self.assertEqual(self.bo.call("GET", path)[0], 404)
        shown = self.hal.ok("GET", f"/api/v0/machines/{self.paper.id}?owner=me")[0]
        self.assertEqual((shown["num_reports"], shown["num_recent_reports"]), (1, 1))

    def test_offers_are_cut_anew_and_nothing_is_cleaned_up_too_soon(self):
        before = self.offers()
        self.hal.ok("PUT", "/api/v0/machines/defrag_offers", {"machine_ids": [self.paper.id]})
        wait_until("other offers", 30, lambda: self.offers()[0] not in before)
        number = self.rent()
        self.paper.follow()
        self.ada.ok("PUT", f"/api/v0/instances/{number}/", {"state": "stopped"})
        self.paper.follow()
        reply = self.hal.ok("PUT", f"/api/v0/machines/{self.paper.id}/cleanup/", {})
        self.assertEqual((reply["num_deleted"], reply["machine_id"]), (0, self.paper.id))
        self.assertIsNotNone(self.ada.ok("GET", f"/api/v0/instances/{number}/")["instances"])

    def test_a_template_has_a_new_volume_and_none_that_is_there(self):
        body = {"name": "v", "image": "ubuntu", "volume_info": {"mount_path": "/data", "create_new": True, "size": 20}}
        without = self.ada.ok("POST", "/api/v0/template/", body | {"volume_info": None})["template"]
        self.assertIsNone(without["volume_info"])
        made = self.ada.ok("POST", "/api/v0/template/", body)["template"]
        self.assertEqual(made["volume_info"], {"mount_path": "/data", "create_new": True, "size": 20, "name": ""})
        self.assertNotEqual(made["hash_id"], without["hash_id"])
        self.assertEqual(self.ada.ok("POST", "/api/v0/template/", body)["template"]["id"], made["id"])
        listed = {one["id"]: one["volume_info"] for one in self.ada.ok("GET", "/api/v0/template/")["templates"]}
        self.assertEqual((listed[made["id"]], listed[without["id"]]), (made["volume_info"], None))
        there = body | {"volume_info": {"mount_path": "/data", "create_new": False, "volume_id": 7}}
        for method, more in (("POST", {}), ("PUT", {"hash_id": made["hash_id"]})):
            status, reply = self.ada.call(method, "/api/v0/template/", there | more)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"))
        for one in (made, without):
            self.ada.ok("DELETE", "/api/v0/template/", {"hash_id": one["hash_id"]})

    def snapshots(self):
        """What the host is to make now."""
        self.paper.poll()
        return [one for one in self.paper.desired["ops"] if one["kind"] == "snapshot"]

    def test_a_snapshot_is_asked_for_in_texts(self):
        """The number and the switch come as texts, and what is not given as null."""
        number = self.rent()
        path = f"/api/v0/instances/take_snapshot/{number}/"
        ask = {"id": str(number), "container_registry": "docker.io", "personal_repo": "a/b", "docker_login_user": "u",
               "docker_login_pass": "it's a canary", "pause": "true"}
        status, reply = self.ada.call("POST", path, ask)
        self.assertEqual((status, reply["error"]), (400, "invalid_args"), reply)
        self.paper.follow()
        reply = self.ada.ok("POST", path, ask)
        self.assertIn("/api/v0/blob/", reply["result_url"])
        self.assertIn("docker.io/a/b", reply["msg"])
        op, = self.snapshots()
        self.assertEqual((op["image"], op["login"], op["is_paused"]), ("docker.io/a/b", "-u 'u' -p 'it'\\''s a canary' 'docker.io'", True))
        self.ada.ok("POST", path, {"id": str(number), "container_registry": None, "personal_repo": "a/b:1",
                                   "docker_login_user": None, "docker_login_pass": None, "pause": "false"})
        op = self.snapshots()[-1]
        self.assertEqual((op["image"], op.get("login"), op["is_paused"]), ("docker.io/a/b:1", None, False))
        for bad in ({"personal_repo": None}, {"personal_repo": "a b"}, {"personal_repo": "-h"}, {"pause": "maybe"}, {"id": "1x"},
                    {"docker_login_pass": None}, {"container_registry": "http://x"}, {"personal_repo": "a/b@sha256:" + "0" * 64}):
            status, reply = self.ada.call("POST", path, ask | bad)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), (bad, reply))
        self.assertEqual(self.bo.call("POST", path, ask)[1]["error"], "no_such_instance")

    def test_an_account_says_where_its_bills_go(self):
        """A file as older help texts have it; what is null stays."""
        parts = {"billaddress_line1": "Kajen 1", "billaddress_line2": "", "billaddress_city": "Gothenburg",
                 "billaddress_zip": "41101", "billaddress_country": "SE", "billaddress_taxinfo": "SE1"}
        self.hal.ok("PUT", "/api/v0/users/", parts | {"fullname": "Hal", "billaddress_name": "ignored", "api_key": "ignored"})
        self.hal.ok("PUT", "/api/v0/users", {"billaddress_zip": None, "billaddress_city": "Oslo"})
        shown = self.hal.ok("GET", "/api/v0/users/current")
        self.assertEqual({name: shown[name] for name in parts}, parts | {"billaddress_city": "Oslo"})
        earned = self.hal.ok("GET", "/api/v0/users/me/machine-earnings?owner=me")
        self.assertEqual((earned["address1"], earned["city"], earned["taxinfo"]), ("Kajen 1", "Oslo", "SE1"))
        for bad, error in (({"billaddress_line1": "x" * 257}, "input_too_long"), ({"billaddress_city": "a\nb"}, "invalid_characters"),
                           ({"phone_number": "+46 x"}, "invalid_characters"), ({"normalized_email": "x@y.z"}, "missing_input"),
                           ({"autobill_threshold": -1}, "invalid_args"), ({"autobill_threshold": 10000.01}, "invalid_args"),
                           ({"autobill_threshold": 0.001}, "invalid_args"), ({"autobill_threshold": True}, "invalid_args")):
            self.assertEqual(self.hal.call("PUT", "/api/v0/users/", bad)[1]["error"], error, bad)

    def test_an_account_says_when_its_card_is_charged(self):
        """All that `set user` may send at once; the email that it repeats is nobody's business."""
        for threshold, amount in ((12.5, 12.5), ("3", 12.5), (0, 0), (2, 5)):
            self.bo.ok("PUT", "/api/v0/users/", {"autobill_threshold": threshold, "phone_number": "+46 (31) 123-45",
                                                "normalized_email": "other@berth.test", "fullname": None})
            shown = self.bo.ok("GET", "/api/v0/users/current")
            self.assertEqual((shown["autobill_threshold"], shown["phone_number"], shown["email"]),
                             (float(threshold), "+46 (31) 123-45", "bo@berth.test"))
            settings = self.bo.ok("GET", "/api/v0/billing/autopay/")
            self.assertEqual((settings["threshold"], settings["amount"]), (float(threshold), amount))
        # Who may change an account's settings may not have its cards charged for that reason.
        for rights in ({"user_write": {}}, {"user_write": {}, "billing_write": {"api.autopay.set": {}}}):
            key = self.bo.ok("POST", "/api/v0/auth/apikeys/", {"name": "settings", "permissions": {"api": rights}})["key"]
            status, reply = self.world.call("PUT", "/api/v0/users/", {"autobill_threshold": 9}, key=key)
            self.assertEqual((status, reply["error"]), (403, "not_authorized"), reply)
            self.assertEqual(self.world.call("PUT", "/api/v0/users/", {"phone_number": "1"}, key=key)[0], 200)
        self.assertEqual(self.bo.ok("GET", "/api/v0/users/current")["autobill_threshold"], 2)

    def test_the_host_sees_which_gpus_are_bid_for(self):
        first, second = self.offers(2)[:2]
        self.rent(offer=first)
        self.rent(offer=second, price=0.15)
        self.paper.follow()
        row = self.hal.ok("GET", f"/api/v0/machines/{self.paper.id}?owner=me")[0]
        letters = sorted(row["gpu_occupancy"].split())
        self.assertEqual((letters.count("D"), letters.count("I")), (1, 2), letters)
        self.assertEqual((row["current_rentals_running"], row["current_rentals_running_on_demand"]), (2, 1))
        self.assertEqual((row["current_rentals_resident"], row["current_rentals_on_demand"]), (2, 1))

    def sent(self, who, method, path, text):
        """The bytes as they come, with a blank behind each comma and colon."""
        status, reply = who.call(method, path, raw=text.encode())
        self.assertEqual(status, 200, (path, reply))
        return reply

    def test_a_host_cares_for_a_machine(self):
        other = self.hal.machine(gpus=1)
        other.follow()
        at, begin = f"/api/v0/machines/{other.id}", float(int(time.time()) + 9 * 86400)
        self.sent(self.hal, "PUT", "/api/v0/machines/create_asks/", f'{{"machine": {other.id}, "price_gpu": 0.3, "price_disk": null, "price_inetu": null, "price_inetd": null, "price_min_bid": null, "min_chunk": 1, "end_date": null, "credit_discount_max": null, "duration": null, "vol_size": null, "vol_price": null}}')
        self.sent(self.hal, "PUT", f"{at}/dnotify/", f'{{"client_id": "me", "sdate": {begin}, "duration": 0.5, "maintenance_category": "disk"}}')
        shown = self.hal.ok("GET", f"/api/v0/machines/maintenances?owner=me&machine_ids=%5B{other.id}%2C+{self.paper.id}%5D")
        self.assertEqual([(row["machine_id"], row["start_time"], row["duration_hours"], row["maintenance_category"]) for row in shown],
                         [(other.id, begin, 0.5, "disk")])
        self.sent(self.hal, "PUT", f"{at}/cancel_maint/", f'{{"client_id": "me", "machine_id": {other.id}}}')
        self.assertEqual(self.hal.ok("GET", f"/api/v0/machines/maintenances?owner=me&machine_ids=%5B{other.id}%5D"), [])
        self.sent(self.hal, "PUT", "/api/v0/machines/create_bids/", f'{{"machine": {other.id}, "price_gpu": 0.05, "price_inetu": 0.001, "price_inetd": 0.001, "image": "ubuntu:22.04", "args": ["-c", "hi"]}}')
        other.follow()
        self.assertEqual([(one["spec"]["image"], one["spec"]["args"]) for one in other.desired["instances"] if one["state"] == "running"],
                         [("ubuntu:22.04", ["-c", "hi"])])
        row = self.hal.ok("GET", at)[0]
        self.assertEqual((row["bid_gpu_cost"], row["bid_image"], row["bid_image_args"]), (0.05, "ubuntu:22.04", ["-c", "hi"]))
        for _ in range(2):  # clients send it again after a time-out
            self.sent(self.hal, "DELETE", f"{at}/defjob/", "{}")
        job = {"machine": other.id, "price_gpu": 0.05, "image": "miner:1"}
        for bad in ("-p 80:80", "-v V.1:/data", "-h box", "--shm-size=1g", "-e", 7):
            status, reply = self.hal.call("PUT", "/api/v0/machines/create_bids/", job | {"env": bad})
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), bad)
        for env in ("-e POOL='a b' -e N=2", {"POOL": "a b", "N": "2"}):
            self.hal.ok("PUT", "/api/v0/machines/create_bids/", job | {"env": env})
            other.follow()
            spec, = [one["spec"] for one in other.desired["instances"] if one["state"] == "running"]
            self.assertEqual([(one["name"], one["value"]) for one in spec["env"]][:2], [("POOL", "a b"), ("N", "2")])
            self.assertEqual(self.hal.ok("GET", f"{at}/defjob/")["env"], [["POOL", "a b"], ["N", "2"]])
        has = len(other.facts["gpus"])
        for bad in (0, -1, has + 1, 1.5, "one", 2**63 - 1):
            status, reply = self.hal.call("PUT", "/api/v0/machines/create_bids/", job | {"gpus": bad})
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), bad)
        self.assertEqual((self.hal.ok("GET", f"{at}/defjob/")["gpus"], self.hal.ok("GET", at)[0]["bid_gpus"]), (None, None))
        for gpus in (has, 1, None):
            self.hal.ok("PUT", "/api/v0/machines/create_bids/", job | {"gpus": gpus})
            other.follow()
            self.assertEqual(sum(one["state"] == "running" for one in other.desired["instances"]), gpus or has)
            self.assertEqual((self.hal.ok("GET", f"{at}/defjob/")["gpus"], self.hal.ok("GET", at)[0]["bid_gpus"]), (gpus, gpus))
        self.hal.ok("DELETE", f"{at}/defjob/", {})
        other.follow()
        row = self.hal.ok("GET", at)[0]
        self.assertEqual((row["bid_gpu_cost"], row["bid_image"], row["bid_image_args"]), (None, None, None))
        self.sent(self.hal, "DELETE", f"{at}/asks/", "{}")
        self.assertTrue(self.sent(self.hal, "POST", f"{at}/force_delete/", "{}")["success"])
        self.assertEqual(self.hal.call("POST", f"{at}/force_delete/", raw=b"{}")[0], 404)

    def test_a_team_from_its_making_to_its_end(self):
        made = self.sent(self.ada, "POST", "/api/v0/team/", '{"team_name": "replay", "transfer_credit": null}')
        crew = type(self.ada)(self.world, made["team_id"], made["key"])
        self.sent(crew, "POST", "/api/v0/team/roles/", '{"name": "r1", "permissions": {"api": {"misc": {}, "user_read": {}}}}')
        self.assertEqual(crew.ok("GET", "/api/v0/team/roles/r1/")["name"], "r1")
        self.sent(crew, "POST", "/api/v0/team/invite/?email=bo%40berth.test&role=r1", "{}")
        self.bo.ok("POST", "/api/v0/team/accept/", {"code": self.world.mail_code("bo@berth.test")})
        self.assertEqual([row["roles"] for row in crew.ok("GET", "/api/v0/team/members/")], [["owner"], ["r1"]])
        self.assertEqual(self.sent(crew, "DELETE", f"/api/v0/team/members/{self.bo.id}/", "{}")["status"], "success")
        self.assertEqual(self.sent(crew, "DELETE", "/api/v0/team/roles/r1/", "{}")["status"], "success")
        self.assertTrue(self.sent(crew, "DELETE", "/api/v0/team/", "{}")["success"])
        self.assertEqual(crew.call("GET", "/api/v0/team/members/")[0], 401)

    def test_templates_and_credit_go_as_clients_say(self):
        made = self.ada.ok("POST", "/api/v0/template/", {"name": "gone", "image": "ubuntu", "recommended_disk_space": "16"})["template"]
        self.assertTrue(self.sent(self.ada, "DELETE", "/api/v0/template/", f'{{"template_id": {made["id"]}}}')["msg"])
        status, reply = self.ada.call("DELETE", "/api/v0/template/", raw=f'{{"hash_id": "{made["hash_id"]}"}}'.encode())
        self.assertEqual(status, 404, reply)
        # Credit that was given is not given on; what was paid for is.
        body = b'{"sender": "me", "recipient": "bo@berth.test", "amount": 5.0}'
        status, reply = self.ada.call("PUT", "/api/v0/commands/transfer_credit/", raw=body)
        self.assertEqual((status, reply["error"]), (400, "insufficient_balance"))

    def test_no_price_is_ever_raised(self):
        """A host lists anew, dearer and for longer: its renter's contract stays as it is, and nothing waits for a yes."""
        first, end = self.offers()[0], time.time() + 30 * 86400
        self.hal.ok("PUT", "/api/v0/machines/create_asks/", {"machine": self.paper.id, "price_gpu": 0.1, "end_date": end})
        self.paper.follow()
        number = self.rent(offer=[one for one in self.offers() if one != first][0])
        before = self.ada.ok("GET", f"/api/v0/instances/{number}/")["instances"]
        self.hal.ok("PUT", "/api/v0/machines/create_asks/", {"machine": self.paper.id, "price_gpu": 0.2, "end_date": end + 86400})
        after = self.ada.ok("GET", f"/api/v0/instances/{number}/")["instances"]
        self.assertEqual([before[name] for name in ("dph_total", "end_date")], [after[name] for name in ("dph_total", "end_date")])
        self.assertEqual(self.ada.ok("GET", "/api/v0/instances/pending-price-increases/"), {
            "success": True, "count": 0, "truncated": False, "pending_price_increases": []})
        for what in ("accept", "reject"):
            status, reply = self.ada.call("PUT", f"/api/v0/instances/{what}-price-increase/", {"pending_price_increase_id": 31})
            self.assertEqual((status, reply["error"]), (404, "no_pending_price_increase"))
            self.assertEqual(self.ada.call("PUT", f"/api/v0/instances/{what}-price-increase/", {"pending_price_increase_id": "x"})[0], 400)
        self.list_machine()

    def test_what_is_not_offered_is_said(self):
        for method, path, word in (("GET", "/api/v0/clusters/", "clusters"), ("POST", "/api/v0/cluster/", "clusters"),
                                   ("DELETE", "/api/v0/cluster/remove_machine/", "clusters"), ("GET", "//api/v0/overlay/", "networks"),
                                   ("POST", "/api/v0/network_volumes/search/", "network"), ("POST", "/api/v0/network_disk/", "network"),
                                   ("GET", "/api/v0/benchmarks?limit=1", "benchmarks"), ("GET", "/api/v0/endptjobs/", "serverless"),
                                   ("PUT", "/api/v0/autojobs/1/", "serverless"), ("POST", "/get_endpoint_logs/", "serverless"),
                                   ("GET", "/api/v0/deployments", "serverless"), ("GET", "/api/v0/nothing/", "nothing at this address")):
            status, reply = self.ada.call(method, path, {} if method != "GET" else None)
            self.assertEqual((status, reply["error"]), (404, "not_found"), path)
            self.assertIn(word, reply["msg"], path)

    def test_a_copy_is_told_where_to_go(self):
        number = self.rent()
        place = {"client_id": "me", "src_path": "/workspace/", "dst_path": "./"}
        ask = place | {"src_id": f"C.{number}", "dst_id": "local"}
        status, reply = self.ada.call("PUT", "/api/v0/commands/copy_direct/", ask)
        self.assertEqual((status, reply["error"]), (400, "invalid_args"), reply)
        self.paper.follow()
        reply = self.ada.ok("PUT", "/api/v0/commands/copy_direct/", ask)
        self.assertEqual((reply["src_addr"], reply["src_port"]), ("203.0.113.9", 40000 + number % 100))
        reply = self.ada.ok("PUT", "/api/v0/commands/rsync/", place | {"src_id": None, "dst_id": str(number)})
        self.assertEqual((reply["dst_addr"], reply["dst_port"]), ("203.0.113.9", 40000 + number % 100))
        for src, dst, want in (("local", None, "invalid_args"), (number, f"C.{number}", "invalid_args"),
                               ("V.8101", "local", "invalid_args"), ("s3.101", number, "no_such_connection"),
                               (f"C.{number + 1000}", None, "no_such_instance")):
            _, reply = self.ada.call("PUT", "/api/v0/commands/copy_direct/", place | {"src_id": src, "dst_id": dst})
            self.assertEqual(reply["error"], want, reply)
        _, reply = self.bo.call("PUT", "/api/v0/commands/copy_direct/", ask)
        self.assertEqual(reply["error"], "no_such_instance")

    def test_from_instance_to_instance_the_hosts_copy(self):
        first, second = self.offers(2)[:2]
        one, two = self.rent(offer=first, label="from"), self.rent(offer=second, label="to")
        self.paper.follow()
        ask = {"client_id": "me", "src_id": f"C.{one}", "dst_id": str(two), "src_path": "/a/", "dst_path": "/b"}
        for path in ("src_path", "dst_path"):
            for wrong in ("", "/a\nb"):
                _, reply = self.ada.call("PUT", "/api/v0/commands/copy_direct/", ask | {path: wrong})
                self.assertEqual(reply["error"], "invalid_args", reply)
        _, reply = self.bo.call("PUT", "/api/v0/commands/copy_direct/", ask)
        self.assertEqual(reply["error"], "no_such_instance")
        reply = self.ada.ok("PUT", "/api/v0/commands/copy_direct/", ask)
        self.assertTrue(reply["success"])
        self.assertIn("/api/v0/blob/", reply["result_url"])
        self.assertNotIn("src_addr", reply)
        status, reply = self.ada.call("PUT", "/api/v0/commands/copy_direct/", ask)
        self.assertEqual((status, reply["error"]), (409, "conflict"))
        self.assertFalse(self.ada.ok("DELETE", "/api/v0/commands/copy_direct/", {"dst_id": f"C.{one}"})["success"])
        self.assertTrue(self.ada.ok("DELETE", "/api/v0/commands/copy_direct/", {"dst_id": f"C.{two}"})["success"])
        self.assertFalse(self.ada.ok("DELETE", "/api/v0/commands/copy_direct/", {"dst_id": f"C.{two}"})["success"])


if __name__ == "__main__":
    unittest.main()
