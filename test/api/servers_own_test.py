#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""R25, mass assignment: every route that changes something is sent every member that is the server's to
set, and nothing comes of it: no account stands otherwise, and none of the values is ever in the books."""

import sqlite3
import unittest

from objects import MISSING, Objects


class ServersOwn(Objects):
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


if __name__ == "__main__":
    unittest.main()
