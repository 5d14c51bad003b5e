#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every route, as each of nine callers, on their own thing, on somebody else's and on
one that does not exist.

What must come of it follows from the route's row in api/ alone: `callers`, `scope` and `access`. So a
new route is tested the moment it is declared, and one whose row says nothing about whose objects it
may touch does not build.
"""

import json
import re
import sqlite3
import time
import unittest
import urllib.parse

from world import Person, World

MISSING = 987654321
PASSWORD = "correct horse battery"
# What whoever may call is told for the example, and nobody else gets as far as.
REFUSED = {
    "api.instance.accept_price_increase": "no_pending_price_increase",
    "api.instance.reject_price_increase": "no_pending_price_increase",
    "api.credit.transfer": "invalid_args",
    "api.tfa.email": "invalid_tfa_method",
    "api.tfa.sms": "invalid_tfa_method",
    "api.tfa.sms_again": "invalid_tfa_method",
    "api.tfa.authorized": "missing_params",
    "api.tfa.confirm": "missing_params",
    "api.tfa.regenerate": "tfa_method_not_configured",
    "api.team.create": "name_taken",
    "api.team.destroy": "no_team",
    "api.team.members": "no_team",
    "api.team.invite": "no_team",
    "api.team.accept": "invalid_token",
    "api.team.role_create": "no_team",
    "api.team.roles": "no_team",
    "api.team.role_show": "no_team",
    "api.team.role_delete": "no_team",
    "api.webhook.create": "invalid_args",
    "api.deposit.create": "payments_off",
    "api.card.create": "payments_off",
    "api.payout.method": "payments_off",
    "api.payout.onboarding": "payments_off",
    "api.machine.report": "no_such_machine",
    "api.machine.report_reply": "not_found",
    "api.rating.create": "no_such_instance",
    "api.volume.create": "no_such_ask",
    "api.template.update": "invalid_args",
    "api.template.delete": "invalid_args",
}
KEYS = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBiVh9Ikm6nEwiAmgpiTsVoNNDmwlmu2FFLpFRqNwgGD m@x",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHv38o7vlKhIUyMo0hqVBaXeeHvjS41m06SnyfFvrUhE m@y",
]


class Matrix(unittest.TestCase):
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
        print(f"authorisation matrix: {cls.cells} cells")
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

    # The matrix

    def test_nobody_gets_in_without_a_key_where_one_is_needed(self):
        for route in self.world.checker.api.routes:
            with self.subTest(route.name):
                status, reply = self.call(route, None, MISSING)
                if "anyone" in route.callers:
                    self.assertNotIn(status, (401, 403), reply)
                else:
                    self.assertEqual((status, reply["error"]), (401, "auth_error"))

    def test_nobody_gets_in_with_a_key_that_nobody_has(self):
        nobody = Person(self.world, 0, "0" * 64)
        for i, route in enumerate(self.world.checker.api.routes):
            with self.subTest(route.name):
                # From so many addresses that no one of them is slowed.
                status, reply = self.call(route, nobody, MISSING, source=f"127.0.0.{2 + i % 50}")
                self.assertEqual(status, 401)

    def test_a_key_of_any_account_is_no_machine(self):
        for route in self.world.checker.api.routes:
            if route.callers != ["agent"]:
                continue
            for who in (self.ada, self.hal, self.op):
                with self.subTest(f"{route.name} as {who.id}"):
                    self.assertEqual(self.call(route, who, MISSING)[0], 401)

    def test_a_machine_is_no_account(self):
        for route in self.world.checker.api.routes:
            if "user" not in route.callers:
                continue
            path, body = self.request(route, MISSING)
            data = b"" if body is None else json.dumps(body).encode()
            headers = self.paper.headers(route.method, path, "hb", data)
            with self.subTest(route.name):
                type(self).cells += 1
                status, _ = self.world.call(route.method, path, raw=data or None, headers=headers)
                self.assertEqual(status, 401)

    def test_a_machines_signature_is_for_one_request(self):
        """Not for another path, body, epoch, machine, or a second time."""
        body = b'{"op_id":"' + b"0" * 32 + b'","status":"done","output":""}'
        good = self.paper.headers("POST", "/agent/v1/op", "op", body)
        rows = {
            "another body": ("/agent/v1/op", body + b" ", good),
            "another path": ("/agent/v1/heartbeat", body, good),
            "another query": ("/agent/v1/op?x=1", body, good),
            "another epoch": ("/agent/v1/op", body, good | {"Berth-Epoch": "1000"}),
            "another machine": ("/agent/v1/op", body, good | {"Berth-Machine": str(MISSING)}),
            "another number": ("/agent/v1/op", body, good | {"Berth-Seq": "1000"}),
            "no signature": ("/agent/v1/op", body,
                             {k: v for k, v in good.items() if k != "Berth-Signature"}),
        }
        for name, (path, data, headers) in rows.items():
            with self.subTest(name):
                status, _ = self.world.call("POST", path, raw=data, headers=headers)
                self.assertEqual(status, 401)

    def test_a_key_may_do_what_its_permissions_name(self):
        scopes = sorted({route.scope for route in self.world.checker.api.routes if route.scope})
        without = {scope: self.scoped(self.bo, *[s for s in scopes if s != scope])[1]
                   for scope in scopes}
        for route in self.world.checker.api.routes:
            if route.scope is None:
                continue
            with self.subTest(route.name):
                status, reply = self.call(route, without[route.scope], MISSING)
                self.assertEqual((status, reply["error"]), (403, "not_authorized"))

    def narrowed(self, owner, scope, rights):
        made = owner.ok("POST", "/api/v0/auth/apikeys/", {
            "name": "t", "permissions": {"api": {scope: rights}}})
        return made["id"], Person(self.world, owner.id, made["key"])

    def test_a_narrowed_key_may_call_the_routes_that_it_names_and_no_other(self):
        routes = [route for route in self.world.checker.api.routes if route.scope and "user" in route.callers]
        for route in routes:
            others = [other.name for other in routes if other.scope == route.scope and other is not route]
            mine, its = self.narrowed(self.bo, route.scope, {route.name: {}})
            rest, without = self.narrowed(self.bo, route.scope, {name: {} for name in others} or {route.name: {
                "constraints": {"nothing": {"eq": 1}}}})
            with self.subTest(route.name):
                self.assertNotIn(self.call(route, its, MISSING)[0], (401, 403))
                status, reply = self.call(route, without, MISSING)
                self.assertEqual((status, reply["error"]), (403, "not_authorized"))
            for number in (mine, rest):
                self.bo.call("DELETE", f"/api/v0/auth/apikeys/{number}/", {})

    def test_a_bound_on_the_object_holds_on_every_route(self):
        for route in self.world.checker.api.routes:
            names = re.findall(r"{(\w+)}", route.path)
            if not names or route.scope is None or route.params[names[0]] != "id":
                continue
            made, key = self.narrowed(self.bo, route.scope, {
                route.name: {"constraints": {names[0]: {"lte": MISSING}}}})
            with self.subTest(route.name):
                self.assertNotIn(self.call(route, key, MISSING)[0], (401, 403))
                status, reply = self.call(route, key, MISSING + 1)
                self.assertEqual((status, reply["error"]), (403, "not_authorized"))
            self.bo.ok("DELETE", f"/api/v0/auth/apikeys/{made}/", {})

    def test_what_a_key_may_is_no_puzzle(self):
        rows = [
            ({"api": {"everything": {}}}, None, "everything"),
            ({"api": {"misc": {"api.instance.show": {}}}}, None, "api.instance.show"),
            ({"api": {"instance_read": {"api.instance.show": {"constraints": {"id": {"lt": 1}}}}}}, None, "'lt'"),
            ({"api": {"instance_read": {"api.instance.show": {"constraints": {"id": {"lte": "$X"}}}}}}, "{}", "X"),
        ]
        for permissions, params, why in rows:
            with self.subTest(permissions=permissions):
                status, reply = self.bo.call("POST", "/api/v0/auth/apikeys/", {
                    "name": "t", "permissions": permissions, "key_params": params})
                self.assertEqual((status, reply["error"]), (400, "invalid_permissions"))
                self.assertIn(why, reply["msg"])
        made = self.bo.ok("POST", "/api/v0/auth/apikeys/", {"name": "t", "key_params": "{\"X\": 7}", "permissions": {
            "api": {"instance_read": {"api.instance.show": {"constraints": {"id": {"lte": "$X"}}}}}}})
        kept = {"api": {"instance_read": {"api.instance.show": {"constraints": {"id": {"lte": 7}}}}}}
        self.assertEqual(made["permissions"], kept)
        self.assertEqual(self.bo.ok("GET", f"/api/v0/auth/apikeys/{made['id']}/")["rights"], kept)

    def test_a_reset_key_is_void_and_the_next_may_do_the_same(self):
        _, old = self.scoped(self.bo, "user_write", "misc")
        fresh = Person(self.world, self.bo.id, old.ok("PUT", "/api/v0/commands/reset_apikey/", {
            "client_id": "me"})["new_api_key"])
        self.assertEqual(old.call("PUT", "/api/v0/commands/reset_apikey/", {})[0], 401)
        self.assertEqual(fresh.call("GET", "/api/v0/users/current")[0], 403)
        self.assertEqual(fresh.call("PUT", "/api/v0/users/", {"fullname": "Bo"})[0], 200)

    def test_no_key_gives_what_it_does_not_have(self):
        _, reader = self.scoped(self.bo, "user_read", "user_write")
        status, reply = reader.call("POST", "/api/v0/auth/apikeys/", {
            "name": "more", "permissions": {"api": {"instance_write": {}}}})
        self.assertEqual((status, reply["error"]), (400, "invalid_permissions"))

    def test_what_is_somebody_elses_is_not_there(self):
        """As another renter, as the host and as the operator: like an id that does not exist."""
        for route in self.world.checker.api.routes:
            if route.access is None or route.access["object"] == "offer":
                continue
            kind = route.access["object"]
            owner = self.owner(kind)
            others = [who for who in (self.ada, self.bo, self.hal, self.op) if who is not owner]
            number = self.thing(kind, owner)
            for who in others:
                with self.subTest(f"{route.name} as {who.id}"):
                    foreign = self.call(route, who, number)
                    missing = self.call(route, who, MISSING)
                    self.expect(foreign, route.access["foreign"], "foreign")
                    self.assertEqual(self.without_id(foreign, number),
                                     self.without_id(missing, MISSING))

    @staticmethod
    def without_id(got, number):
        return got[0], json.dumps(got[1]).replace(str(number), "ID")

    def test_what_is_ones_own_can_be_used(self):
        for route in self.world.checker.api.routes:
            if route.access is None or route.access["object"] == "offer":
                continue
            owner = self.owner(route.access["object"])
            with self.subTest(route.name):
                number = self.thing(route.access["object"], owner)
                self.paper.follow()
                self.expect(self.call(route, owner, number), route.access["own"], "own")
            self.list_machine()

    def test_offers_are_for_all(self):
        for route in self.world.checker.api.routes:
            if route.access is None or route.access["object"] != "offer":
                continue
            for who in (self.ada, self.bo):
                with self.subTest(f"{route.name} as {who.id}"):
                    self.expect(self.call(route, who, self.offer()), route.access["foreign"], "")
            with self.subTest(f"{route.name} as the host"):
                self.expect(self.call(route, self.hal, self.offer()), route.access["own"], "")
            with self.subTest(f"{route.name} on none"):
                self.expect(self.call(route, self.ada, MISSING), route.access["missing"], "")
        self.free_gpus()

    def test_routes_without_an_object_serve_whoever_may_call(self):
        for route in self.world.checker.api.routes:
            if "user" not in route.callers or route.access is not None:
                continue
            for who in (self.ada, self.bo, self.hal, self.op):
                with self.subTest(f"{route.name} as {who.id}"):
                    self.expect(self.call(route, who, MISSING), REFUSED.get(route.name, 200), "")
        self.free_gpus()

    def test_an_account_is_seen_by_itself_alone(self):
        for route in self.world.checker.api.routes:
            if "user" not in route.params.values():
                continue
            for who in (self.ada, self.hal, self.op):
                for other, want in ((who, 200), (self.bo, 403)):
                    with self.subTest(f"{route.name} of {other.id} as {who.id}"):
                        path = re.sub(r"{\w+}", str(other.id), route.path)
                        status, reply = who.call(route.method, path, route.example)
                        self.assertEqual(status, want, reply)

    def test_what_is_for_operators_is_for_them_alone(self):
        for route in self.world.checker.api.routes:
            if "admin" not in route.callers:
                continue
            # Past the door: their examples name a machine or a dispute that is not there, and there is no provider.
            done = {"api.operator.verification": 404, "api.operator.place": 404, "api.operator.evidence": 404,
                    "api.operator.evidence_note": 409, "api.operator.evidence_submit": 409}.get(route.name, 200)
            for who, want in ((self.ada, 403), (self.hal, 403), (self.op, done)):
                with self.subTest(f"{route.name} as {who.id}"):
                    self.assertEqual(self.call(route, who, MISSING)[0], want)

    def standing(self, person):
        """What of an account is the server's to say, apart from what time makes of its credit."""
        shown = person.ok("GET", "/api/v0/users/current")
        return {name: shown[name] for name in (
            "id", "email", "email_verified", "is_admin", "parent_id", "host_only", "held_credit", "pending_credit")}

    def credit(self, person):
        shown = person.ok("GET", "/api/v0/users/current")
        return shown["credit"] + shown["balance"]

    def test_nobody_sets_what_is_the_servers(self):
        """R25: every route that changes something, with every member that is not its caller's to give."""
        # With a password and a second factor in the end, which the others are to have none of.
        eve = self.world.user("eve", credit="100.00")
        everybody = (self.ada, self.bo, self.hal, self.op, self.crew, eve)
        owned = {"id": self.bo.id, "user_id": self.bo.id, "owner_id": self.bo.id, "host_id": self.bo.id,
                 "creator_id": self.bo.id, "member_id": self.bo.id, "actor_id": self.bo.id, "team_id": self.crew.id,
                 "balance": 1e6, "credit": 1e6, "credit_limit": 1e6, "earnings": 1e6, "spend_cap": 0, "fee_bps": 0,
                 "is_admin": True, "admin": True, "verified": True, "verification": "verified", "email_verified": True,
                 "scopes": 2047, "rights": {"api": {"user_write": {}}}, "recommended": True, "count_created": 99,
                 "is_recommended": True, "created_at": 1, "sealed": "x", "hash": "x", "is_mandatory": False}
        before = [self.standing(person) for person in everybody]
        credit = [self.credit(person) for person in everybody]
        machine = self.hal.ok("GET", "/api/v0/machines/")["machines"][0]["verification"]
        for route in self.world.checker.api.routes:
            is_ours = route.access is not None and route.access["object"] != "offer"
            if "user" not in route.callers or route.method == "GET" or not (is_ours or route.access is None):
                continue
            kind = route.access["object"] if is_ours else None
            owner = eve if kind != "team" and self.owner(kind) is self.ada else self.owner(kind)
            number = self.thing(route.access["object"], owner) if is_ours else MISSING
            path, body = self.request(route, number)
            declared = {m.name for m in (route.request.members if route.request else None) or []}
            sent = {**{k: v for k, v in owned.items() if k not in declared}, **(body or {})}
            with self.subTest(route.name):
                got = self.world.call(route.method, path, sent, key=owner.key)
                if got[0] == 200 and "new_api_key" in (got[1] or {}):
                    owner.key = got[1]["new_api_key"]
                self.assertNotIn(got[0], (401, 403, 500) if not is_ours or route.access["own"] == 200 else (500,), got)
        self.paper.follow()
        self.assertEqual([self.standing(person) for person in everybody], before)
        for person, had in zip(everybody, credit):
            # What runs moves cents from renters to hosts.
            self.assertLess(self.credit(person) - had, 1, person.id)
        self.assertEqual(self.hal.ok("GET", "/api/v0/machines/")["machines"][0]["verification"], machine)
        self.assertFalse([row for row in eve.ok("GET", "/api/v0/template/")["templates"] if row["recommended"]])
        for person in everybody:
            for row in person.ok("GET", "/api/v0/auth/apikeys/")["apikeys"]:
                self.assertEqual(row["user_id"], person.id)
        self.list_machine()

    CANARIES = (876543219123, 876543219.125, "canary-of-somebody")
    # What rows hold that no caller says: whose they are, what they cost, what is known of them.
    SERVERS = (
        "user_id owner_id host_id creator_id member_id actor_id parent_id renter_id machine_id contract_id offer_id team_id key_id "
        "balance credit credit_limit earnings spend_cap fee_bps platform_fee discount_rate dph_base dph_total gpu_hour list_hour "
        "min_bid disk_month storage_cost up_tb down_tb rate amount_cents deposit refundable_deposit total_discount credit_discount credit_balance charged gross host fee "
        "is_admin admin verified verification vericode is_verified email_verified external datacenter hosting_type reliability "
        "reliability2 dlperf dlperf_milli score num_gpus gpu_name rights scopes narrowed role_id is_recommended recommended "
        "count_created recent_create_date state cur_state actual_status intended_status kind reason started start_date started_us "
        "created_at created_us updated_at deleted_us paid_on expires expires_us t_zero warned public_ipaddr ssh_port ports "
        "public_key secret webhook_secret hash sealed token token_hash password_hash fail_count locked_until is_mandatory "
        "instance_api_key jupyter_token gen desired_rev epoch session_epoch progress output").split()

    def stored(self):
        """Where a canary is in the books, but for the log of what was called with what."""
        path = next(one for one in self.world.data.rglob("*") if one.is_file() and one.read_bytes()[:15] == b"SQLite format 3")
        books = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
        found = []
        for table, in books.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table == "audit_log":
                continue
            for row in books.execute(f'SELECT * FROM "{table}"').fetchall():
                for value in row:
                    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    if any(word in text for word in ("876543219", "canary-of-somebody")):
                        found.append((table, text[:200]))
        books.close()
        return found

    def test_what_is_the_servers_is_never_stored(self):
        """R25: every route that changes something, once for each kind of value, in everything that is the server's."""
        self.assertEqual(self.stored(), [])
        for i, canary in enumerate(self.CANARIES):
            mal = self.world.user(f"mal{i}", credit="100.00")  # whose key and sessions end with the last routes
            for route in self.world.checker.api.routes:
                is_ours = route.access is not None and route.access["object"] != "offer"
                if "user" not in route.callers or route.method == "GET" or not (is_ours or route.access is None):
                    continue
                kind = route.access["object"] if is_ours else None
                owner = mal if kind != "team" and self.owner(kind) is self.ada else self.owner(kind)
                path, body = self.request(route, self.thing(kind, owner) if is_ours else MISSING)
                declared = {m.name for m in (route.request.members if route.request else None) or []}
                sent = {**{name: canary for name in self.SERVERS if name not in declared}, **(body or {})}
                with self.subTest(route.name, canary=canary):
                    got = self.world.call(route.method, path, sent, key=owner.key)
                    if got[0] == 200 and "new_api_key" in (got[1] or {}):
                        owner.key = got[1]["new_api_key"]
                    self.assertNotEqual(got[0], 500, got)
                    self.assertEqual(self.stored(), [])
                    # What would take GPUs from the tests behind this one.
                    for name, path in (("new_contract", "instances/"), ("order", "orders/")):
                        made = (got[1] or {}).get(name)
                        if got[0] == 200 and isinstance(made, (dict, int)):
                            number = made["id"] if isinstance(made, dict) else made
                            owner.ok("DELETE", f"/api/v0/{path}{number}/", {})
            self.paper.follow()
            self.list_machine()
        # An offer is taken at its price.
        mal = self.world.user("mal", credit="100.00")
        rented = mal.ok("PUT", f"/api/v0/asks/{self.offer()}/", {
            **{name: 0 for name in self.SERVERS}, "image": "ubuntu", "disk": 8, "runtype": "ssh"})["new_contract"]
        shown = mal.ok("GET", f"/api/v0/instances/{rented}/")["instances"]
        self.assertEqual((shown["host_id"], shown["machine_id"], shown["is_bid"]), (self.hal.id, self.paper.id, False))
        self.assertGreater(shown["dph_base"], 0)
        mal.ok("DELETE", f"/api/v0/instances/{rented}/", {})
        self.paper.follow()

    def test_a_member_may_do_what_the_role_names(self):
        """The key may do all: what its holder may is the role's, asked with every call."""
        scopes = sorted({route.scope for route in self.world.checker.api.routes if route.scope})
        crew = self.world.team(self.op, "matrix")
        crew.ok("POST", "/api/v0/team/roles/", {"name": "some", "permissions": {"api": {}}})
        number = [row["id"] for row in crew.ok("GET", "/api/v0/team/roles-full/") if row["name"] == "some"][0]
        member = self.world.join(crew, self.hal, "hal@berth.test", "some")
        for scope in scopes:
            crew.ok("PUT", f"/api/v0/team/roles/{number}/", {
                "name": "some", "permissions": {"api": {s: {} for s in scopes if s != scope}}})
            for route in self.world.checker.api.routes:
                if "user" not in route.callers or route.scope != scope:
                    continue
                with self.subTest(route.name):
                    status, reply = self.call(route, member, MISSING)
                    self.assertEqual((status, reply["error"]), (403, "not_authorized"))

    def test_an_instances_key_is_for_that_instance(self):
        def rent():
            return self.ada.ok("PUT", f"/api/v0/asks/{self.offer()}/", {
                "image": "ubuntu", "disk": 8, "runtype": "ssh"})

        first, second = rent(), rent()
        if not first.get("instance_api_key"):
            self.skipTest("instances have no keys of their own")
        holder = Person(self.world, self.ada.id, first["instance_api_key"])
        own, other = first["new_contract"], second["new_contract"]
        self.paper.follow()
        for route in self.world.checker.api.routes:
            if "user" not in route.callers and "instance" not in route.callers:
                continue
            with self.subTest(route.name):
                if "instance" not in route.callers:
                    self.assertEqual(self.call(route, holder, own)[0], 403)
                elif route.access is not None:
                    self.expect(self.call(route, holder, other), route.access["foreign"], "other")
                else:
                    _, reply = self.call(route, holder, own)
                    self.assertEqual([row["id"] for row in reply["instances"]], [own])
        for route in self.world.checker.api.routes:
            if "instance" in route.callers and route.access and route.method != "DELETE":
                with self.subTest(f"{route.name}, its own"):
                    self.expect(self.call(route, holder, own), route.access["own"], "own")
        self.free_gpus()


if __name__ == "__main__":
    unittest.main()
