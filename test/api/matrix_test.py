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
import unittest

from objects import MISSING, Objects
from world import Person

# What whoever may call is told for the example, and nobody else gets as far as.
REFUSED = {
    "api.instance.accept_price_increase": "no_pending_price_increase",
    "api.instance.reject_price_increase": "no_pending_price_increase",
    "api.credit.transfer": "invalid_args",
    "api.user.delete": "login_failed",
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


class Matrix(Objects):
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
            done = {"api.operator.verification": 404, "api.operator.place": 404, "api.operator.revoke_key": 404,
                    "api.operator.evidence": 404,
                    "api.operator.evidence_note": 409, "api.operator.evidence_submit": 409}.get(route.name, 200)
            for who, want in ((self.ada, 403), (self.hal, 403), (self.op, done)):
                with self.subTest(f"{route.name} as {who.id}"):
                    self.assertEqual(self.call(route, who, MISSING)[0], want)

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
