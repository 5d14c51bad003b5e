#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Templates as clients send them, and rentals that name one."""

import json
import unittest
import urllib.parse

from world import World

PATH = "/api/v0/template/"
# All members, as the command line of clients sends them: text for a number, null for what is unset.
SENT = {
    "name": "plain", "image": "ubuntu", "tag": "22.04", "href": None, "repo": None,
    "env": "-e A=1 -e B=2 -p 8081:8081", "onstart": "echo hi", "jup_direct": False, "ssh_direct": True,
    "use_jupyter_lab": False, "runtype": "ssh", "use_ssh": True, "jupyter_dir": None,
    "docker_login_repo": None, "extra_filters": {"cuda_max_good": {"gte": 12.0}},
    "recommended_disk_space": "16", "readme": None, "readme_visible": True, "desc": None, "private": True,
}


class Templates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.bo = cls.world.user("bo", credit="25.00")
        cls.hal = cls.world.user("hal")
        cls.machine = cls.hal.machine(gpus=4)
        cls.machine.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.machine.id, "price_gpu": 0.36, "price_disk": 0.15, "min_chunk": 1})
        cls.machine.follow()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def search(self, who, **query):
        text = "&".join(f"{name}={urllib.parse.quote(json.dumps(value))}" for name, value in query.items())
        return who.ok("GET", PATH + ("?" + text if text else ""))["templates"]

    def refused(self, who, method, body, status, code):
        got, reply = who.call(method, PATH, body)
        self.assertEqual((got, reply["error"]), (status, code), reply)
        return reply["msg"]

    def offer(self):
        rows = self.ada.ok("POST", "/api/v0/bundles/", {
            "machine_id": {"eq": self.machine.id}, "rentable": {"eq": True}, "num_gpus": {"eq": 1}})["offers"]
        return rows[0]["id"]

    def test_the_life_of_a_template(self):
        made = self.ada.ok("POST", PATH, SENT)["template"]
        self.assertEqual(json.loads(made["extra_filters"]), {"cuda_max_good": {"gte": 12.0}})
        self.assertEqual((made["recommended_disk_space"], made["default_tag"]), (16.0, "22.04"))
        self.assertRegex(made["hash_id"], "^[0-9a-f]{32}$")
        self.assertEqual(self.ada.ok("POST", PATH, SENT)["template"], made)
        found = self.search(self.ada, select_cols=["*"], select_filters={"name": {"eq": "plain"}})
        self.assertEqual(found, [made])
        self.assertEqual(self.search(self.ada, select_filters={"count_created": {"gt": "0"},
                                                               "name": {"eq": "plain"}}), [])
        self.assertEqual(self.search(self.ada, select_cols=["name"], select_filters={"id": {"eq": made["id"]}}),
                         [{"name": "plain"}])
        self.assertEqual(self.search(self.bo), [])
        edit = dict.fromkeys(SENT) | {"hash_id": made["hash_id"], "desc": "better"}
        changed = self.ada.ok("PUT", PATH, edit)["template"]
        self.assertEqual((changed["id"], changed["name"], changed["desc"]), (made["id"], "plain", "better"))
        self.refused(self.ada, "PUT", edit, 404, "no_such_template")
        self.refused(self.bo, "PUT", {"id": made["id"], "name": "mine"}, 404, "no_such_template")
        self.refused(self.bo, "DELETE", {"template_id": made["id"]}, 404, "no_such_template")
        self.assertIn("deleted", self.ada.ok("DELETE", PATH, {"hash_id": changed["hash_id"]})["msg"])
        self.refused(self.ada, "DELETE", {"template_id": made["id"]}, 404, "no_such_template")

    def test_what_is_wrong_is_said(self):
        for body, text in (({}, "name"), ({"name": "n"}, "image"), ({"name": "n", "image": "NO"}, "image"),
                           ({"name": "n", "image": "u", "runtype": "vm"}, "runtype"),
                           ({"name": "n", "image": "u", "env": "-e"}, "env"),
                           ({"name": "n" * 257, "image": "u"}, "name"),
                           ({"name": "n", "image": "u", "recommended_disk_space": "NaN"}, "recommended_disk_space"),
                           ({"name": "n", "image": "u", "docker_login_user": "a"}, "docker_login_pass")):
            self.assertIn(text, self.refused(self.ada, "POST", body, 400, "invalid_args"))
        self.refused(self.ada, "PUT", {"name": "n"}, 400, "invalid_args")
        self.refused(self.ada, "DELETE", {}, 400, "invalid_args")
        status, reply = self.ada.call("GET", PATH + "?select_filters=%7B%22nothing%22%3A%7B%22eq%22%3A1%7D%7D")
        self.assertEqual((status, reply["error"]), (400, "invalid_request"))

    def test_a_rental_takes_what_it_leaves_open_from_its_template(self):
        template = self.ada.ok("POST", PATH, SENT | {"name": "rented"})["template"]
        number = self.ada.ok("PUT", f"/api/v0/asks/{self.offer()}/", {
            "client_id": "me", "image": None, "env": {"B": "3"}, "disk": 10.0, "label": None, "onstart": None,
            "template_hash_id": template["hash_id"]})["new_contract"]
        shown = self.ada.ok("GET", f"/api/v0/instances/{number}/")["instances"]
        self.assertEqual(shown["image_uuid"], "ubuntu:22.04")
        self.assertEqual(shown["image_runtype"], "ssh_direc ssh_proxy")
        env = {name: value for name, value in shown["extra_env"]}
        self.assertEqual((env["A"], env["B"], env["-p 8081:8081"]), ("1", "3", "1"))
        self.assertEqual(self.search(self.ada, select_filters={"id": {"eq": template["id"]}})[0]["count_created"], 1)
        status, reply = self.bo.call("PUT", f"/api/v0/asks/{self.offer()}/",
                                     {"template_id": template["id"], "disk": 8})
        self.assertEqual((status, reply["error"]), (404, "no_such_template"))


if __name__ == "__main__":
    unittest.main()
