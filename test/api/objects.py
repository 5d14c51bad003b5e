#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A market with one of everything that a route can be called on, and the call of any route on it, from its
row in api/ alone: what the tests share that go through all routes."""

import json
import time
import unittest
import urllib.parse

from world import Person, World

MISSING = 987654321
PASSWORD = "correct horse battery"
KEYS = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBiVh9Ikm6nEwiAmgpiTsVoNNDmwlmu2FFLpFRqNwgGD m@x",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHv38o7vlKhIUyMo0hqVBaXeeHvjS41m06SnyfFvrUhE m@y",
]


class Objects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Its callers are in more of a hurry than people are.
        cls.world = World("--rate-factor", "20").__enter__()
        cls.ada = cls.world.user("ada", credit="100.00")
        cls.bo = cls.world.user("bo", credit="100.00")
        cls.hal = cls.world.user("hal", credit="100.00")
        cls.op = cls.world.user("op", credit="100.00", is_admin=True)
        cls.paper = cls.hal.machine(gpus=8)
        # Ada's team, as its owner; everybody has one of that name.
        cls.crew, *_ = [cls.world.team(who, "crew") for who in (cls.ada, cls.bo, cls.hal, cls.op)]
        cls.crew.ok("POST", "/api/v0/team/roles/", {"name": "writer", "permissions": {"api": {"misc": {}}}})
        cls.cells = 0
        cls.instance = MISSING
        cls.handed_out = set()
        cls.list_machine()

    @classmethod
    def tearDownClass(cls):
        print(f"{cls.__name__}: {cls.cells} cells")
        cls.world.__exit__(None, None, None)

    @classmethod
    def list_machine(cls):
        cls.paper.follow()
        cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": cls.paper.id, "price_gpu": 0.1, "price_disk": 0.1, "min_chunk": 1})
        cls.paper.follow()

    # Things to call a route on, each made afresh where a call may have used it up.

    def offer(self):
        """One that was not handed out before: a search may still show for a moment what is gone."""
        for _ in range(100):
            found = self.world.call("POST", "/api/v0/bundles/", {"num_gpus": {"eq": 1}})[1]["offers"]
            fresh = [row["id"] for row in found if row["id"] not in self.handed_out]
            if fresh:
                self.handed_out.add(fresh[0])
                return fresh[0]
            if not found:
                self.free_gpus()
                self.list_machine()
            time.sleep(0.02)
        raise AssertionError("the machine has no offers")

    def free_gpus(self):
        for person in (self.ada, self.bo, self.op):
            rows = person.ok("GET", "/api/v0/instances")["instances"]
            person.ok("DELETE", "/api/v0/instances/",
                      {"instance_ids": [row["id"] for row in rows]})
        self.paper.follow()

    def thing(self, kind, owner):
        if kind == "offer":
            return self.offer()
        if kind == "machine":
            return self.paper.id
        if kind == "instance":
            rows = owner.ok("GET", "/api/v0/instances")["instances"]
            if rows:
                return rows[0]["id"]
            return owner.ok("PUT", f"/api/v0/asks/{self.offer()}/",
                            {"image": "ubuntu", "disk": 8, "runtype": "ssh"})["new_contract"]
        if kind == "ssh_key":
            rows = owner.ok("GET", "/api/v0/ssh/")
            key = rows[0] if rows else owner.ok("POST", "/api/v0/ssh/", {"ssh_key": KEYS[0]})["key"]
            return key["id"]
        if kind == "order":
            rows = owner.ok("GET", "/api/v0/orders/")["orders"]
            waiting = [row["id"] for row in rows if row["state"] == "waiting"]
            return waiting[0] if waiting else owner.ok("POST", "/api/v0/orders/", {
                "query": {"num_gpus": {"gte": 99}}})["order"]["id"]
        if kind == "session":
            return self.session(owner)
        if kind == "tfa_method":
            return self.second_factor(owner)
        if kind == "connection":
            rows = owner.ok("GET", "/api/v0/users/cloud_integrations/")
            return rows[0]["id"] if rows else owner.ok("POST", "/api/v0/users/cloud_integrations/", {
                "name": "bk", "cloud_type": "s3",
                "config": {"access_key_id": "AKIA", "secret_access_key": "x"}})["connection"]["id"]
        if kind == "webhook":
            rows = owner.ok("GET", "/api/v0/webhooks/")["webhooks"]
            return rows[0]["id"] if rows else owner.ok("POST", "/api/v0/webhooks/", {
                "webhook_url": "https://hook.invalid/",
                "event_types": ["client:low_credit"]})["webhook"]["id"]
        if kind == "deposit":
            self.world.admin("credit", "deposit", "--user", str(owner.id), "--amount", "0.01",
                             "--ticket", f"matrix {owner.id}")
            return owner.ok("GET", "/api/v0/billing/deposits/")["deposits"][0]["id"]
        if kind == "card":
            return MISSING  # there is no provider here that could have one
        if kind == "team":
            return self.crew.id
        if kind == "team_role":
            rows = self.crew.ok("GET", "/api/v0/team/roles-full/")
            return next(row["id"] for row in rows if row["name"] == "writer")
        if kind == "team_member":
            if len(self.crew.ok("GET", "/api/v0/team/members/")) == 1:
                self.world.join(self.crew, self.bo, "bo@berth.test", "member")
            return self.bo.id
        if kind == "scheduled_job":
            return self.scheduled_job(owner)
        if kind == "volume_offer":
            self.paper.follow()
            return owner.ok("POST", "/api/v0/volumes/", {"machine": self.paper.id, "size": 50})["volume_offers"][0]
        if kind == "volume":
            rows = owner.ok("GET", "/api/v0/volumes/")["volumes"]
            return rows[0]["id"] if rows else owner.ok("PUT", "/api/v0/volumes/", {
                "id": self.thing("volume_offer", self.hal), "size": 1})["volume_id"]
        assert kind == "api_key", kind
        return self.scoped(owner, "user_read")[0]

    def owner(self, kind):
        """Whose the things of a kind are."""
        return {"machine": self.hal, "volume_offer": self.hal, "team_role": self.crew, "team_member": self.crew}.get(kind, self.ada)

    def session(self, owner):
        """One that is open, by a password that the account gets if it has none."""
        self.world.session_of(owner, PASSWORD)
        return owner.ok("GET", "/api/v0/sessions/")["sessions"][0]["id"]

    def scheduled_job(self, owner):
        """One that reboots; what instance it is of goes into the next examples."""
        self.instance = self.thing("instance", owner)
        path = f"/api/v0/instances/reboot/{self.instance}/"
        rows = [row["id"] for row in owner.ok("GET", "/api/v0/commands/schedule_job/") if row["api_endpoint"] == path]
        return rows[0] if rows else owner.ok("POST", "/api/v0/commands/schedule_job/", {
            "api_endpoint": path, "frequency": "DAILY", "start_time": 1, "end_time": 4e9})["scheduled_job_id"]

    def second_factor(self, owner):
        """One that its owner's key has shown, so that the key is a session from now on."""
        methods = owner.ok("GET", "/api/v0/tfa/status/")["methods"]
        if methods:
            return methods[0]["id"]
        owner.key = self.world.session_of(owner, PASSWORD)
        return self.world.second_factor(owner)["id"]

    def scoped(self, owner, *scopes):
        made = owner.ok("POST", "/api/v0/auth/apikeys/", {
            "name": "t", "permissions": {"api": {scope: {} for scope in scopes}}})
        return made["id"], Person(self.world, owner.id, made["key"])

    # One cell

    def request(self, route, number):
        path = route.path
        if route.name == "api.machine.delete":
            self.thing("instance", self.ada)  # the one machine of these tests stays
        for name, kind in route.params.items():
            path = path.replace(f"{{{name}}}", "me" if kind == "user" else "{}")
        path = path.replace("{}", str(number), 1).replace("{}", str(MISSING))
        body = route.example
        if route.method == "GET" and body is not None:
            query = {name: value if isinstance(value, str) else json.dumps(value)
                     for name, value in body.items()}
            return f"{path}?{urllib.parse.urlencode(query)}", None
        if route.access and route.access.get("in"):
            body = json.loads(json.dumps(body).replace('"{object}"', str(number)).replace("{object}", str(number)))
        if body is not None:
            body = json.loads(json.dumps(body).replace("{instance}", str(self.instance)))
        return path, body

    def call(self, route, who, number, **more):
        path, body = self.request(route, number)
        type(self).cells += 1
        if route.content == "text/event-stream":
            return self.first_line(path, who)
        key = who.key if who else None
        got = self.world.call(route.method, path, body, key=key, **more)
        if got[0] == 200 and "new_api_key" in (got[1] or {}):
            who.key = got[1]["new_api_key"]
        return got

    def first_line(self, path, who):
        """Of a reply that does not end."""
        with self.world.socket() as connection:
            key = f"Authorization: Bearer {who.key}\r\n" if who else ""
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n{key}\r\n".encode())
            answer = connection.recv(4096)
            head, _, body = answer.partition(b"\r\n\r\n")
            status = int(head.split(b" ")[1])
            return status, json.loads(body) if status >= 400 else None

    def expect(self, got, want, text):
        status, reply = got
        if isinstance(want, int):
            self.assertEqual(status, want, f"{text}: {reply}")
        else:
            code = reply.get("error") if isinstance(reply, dict) else reply
            self.assertEqual(code, want, f"{text}: {status} {reply}")
