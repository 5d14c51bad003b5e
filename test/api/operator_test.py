#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What operators see and do over HTTP is what `berthd admin` says and does; nobody else is let in."""

import sqlite3
import subprocess
import tempfile
import time
import unittest

from world import BIN, World
from patience import wait_until

API = "/api/v0/operator"


class OperatorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.op = cls.world.user("op", is_admin=True)
        cls.ada = cls.world.user("ada", credit="25.00")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def sql(self, text, *values):
        """Straight in the books: what takes a provider, or a GPU, to come about."""
        with sqlite3.connect(self.world.data / "berth.sqlite", timeout=30) as books:
            return books.execute(text, values).fetchall()

    def credit(self, **fields):
        body = {"user_id": self.ada.id, "amount": "1.50", "kind": "grant", "ticket": "because"} | fields
        return self.op.call("POST", f"{API}/credit/", body)

    def test_nobody_else_is_let_in(self):
        for path in ("ledger", "users", "machines", "payouts", "disputes", "fraud", "settings"):
            self.assertEqual(self.ada.call("GET", f"{API}/{path}/")[0], 403, path)
        body = {"user_id": self.ada.id, "amount": "1.50", "kind": "grant", "ticket": "x"}
        self.assertEqual(self.ada.call("POST", f"{API}/credit/", body)[0], 403)
        body = {"machine_id": 1, "verification": "verified"}
        self.assertEqual(self.ada.call("PUT", f"{API}/verification/", body)[0], 403)

    def test_the_trial_balance_is_that_of_the_command(self):
        told, known = self.op.ok("GET", f"{API}/ledger/"), self.world.admin("ledger", "balance")
        self.assertTrue(told["is_balanced"])
        self.assertEqual(told["accounts"], known["accounts"])

    def test_users_are_those_that_there_are(self):
        told = self.op.ok("GET", f"{API}/users/")
        known = {row["id"]: row for row in self.world.admin("user", "list")}
        self.assertEqual({row["id"]: row["email"] for row in told["users"]},
                         {id: known[id]["email"] for id in sorted(known)[:100]})
        self.assertTrue(next(row for row in told["users"] if row["id"] == self.op.id)["is_admin"])
        after = self.op.ok("GET", f"{API}/users/?after={self.op.id}")["users"]
        self.assertNotIn(self.op.id, [row["id"] for row in after])
        self.assertEqual(self.op.call("GET", f"{API}/users/?after=x")[0], 400)

    def test_a_full_page_has_another_behind_it(self):
        for i in range(100):
            self.world.user(f"many{i}")
        first = self.op.ok("GET", f"{API}/users/")
        self.assertEqual((len(first["users"]), first["next"]), (100, first["users"][-1]["id"]))
        second = self.op.ok("GET", f"{API}/users/?after={first['next']}")
        self.assertIsNone(second["next"])
        self.assertFalse({row["id"] for row in first["users"]} & {row["id"] for row in second["users"]})

    def test_a_ticket_gives_once(self):
        bo = self.world.user("bo")
        for kind, ticket, total in (("grant", "t1", 1.5), ("grant", "t1", 1.5), ("deposit", "bank 7", 3.0),
                                    ("deposit", "bank 7", 3.0)):
            self.assertEqual(self.credit(user_id=bo.id, kind=kind, ticket=ticket)[0], 200)
            self.assertEqual(bo.ok("GET", "/api/v0/users/current/")["credit"], total)
        rows = [row["api_route"] for row in self.op.ok("GET", "/api/v0/audit_logs/")]
        self.assertIn("api.operator.credit", rows)

    def test_bad_grants_change_nothing(self):
        before = self.ada.ok("GET", "/api/v0/users/current/")["credit"]
        for fields in ({"amount": "0"}, {"amount": "-1"}, {"amount": "x"}, {"kind": "gift"}, {"ticket": ""},
                       {"ticket": "x" * 129}, {"user_id": 10**9}, {"user_id": 0}, {"amount": 1e30}):
            self.assertEqual(self.credit(**fields)[0], 400, fields)
        self.assertEqual(self.ada.ok("GET", "/api/v0/users/current/")["credit"], before)

    def test_machines_are_verified_and_not(self):
        machine = self.world.user("lender").machine()
        machine.follow()
        for wanted in ("deverified", "verified"):
            done = self.op.call("PUT", f"{API}/verification/", {"machine_id": machine.id, "verification": wanted})
            self.assertEqual(done[0], 200)
            row = next(row for row in self.op.ok("GET", f"{API}/machines/")["machines"] if row["id"] == machine.id)
            self.assertEqual((row["verification"], row["is_online"], row["is_listed"]), (wanted, True, False))
        done = self.op.call("PUT", f"{API}/verification/", {"machine_id": machine.id, "verification": "automatic"})
        self.assertEqual(done[0], 200)
        self.assertFalse(self.op.call("GET", f"/api/v0/machines/{machine.id}/checks/")[1]["is_set"])
        for body, status in (({"machine_id": 10**9, "verification": "verified"}, 404),
                             ({"machine_id": machine.id, "verification": "good"}, 400),
                             ({"machine_id": machine.id, "verification": "unverified"}, 400)):
            self.assertEqual(self.op.call("PUT", f"{API}/verification/", body)[0], status)

    def test_a_key_is_revoked(self):
        lender = self.world.user("leaker")
        machine = lender.machine()
        machine.follow()

        def since():
            return next(row for row in self.op.ok("GET", f"{API}/machines/")["machines"] if row["id"] == machine.id)["key_revoked_at"]
        self.assertIsNone(since())
        self.assertEqual(self.op.call("POST", f"{API}/revoke_key/", {"machine_id": machine.id})[0], 200)
        self.assertLess(abs(since() - time.time()), 60)
        self.assertEqual(next(row for row in lender.ok("GET", "/api/v0/machines/")["machines"])["key_revoked_at"], since())
        self.assertEqual(self.op.call("POST", f"{API}/revoke_key/", {"machine_id": 10**9})[0], 404)
        told, = wait_until("a mail", 30, lambda: self.world.mails("leaker@berth.test"))
        self.assertIn(f"Subject: The key of machine {machine.id} was revoked\r\n", told)
        self.assertIn(f"`berth host token --machine {machine.id}`", told)

    def test_where_a_machine_is(self):
        machine = self.world.user("somewhere").machine()
        machine.follow()

        def placed():
            return next(row for row in self.op.ok("GET", f"{API}/machines/")["machines"] if row["id"] == machine.id)["geolocation"]
        self.assertIsNone(placed())
        for place, shown in (("Gothenburg, SE", "Gothenburg, SE"), ("IS", "IS"), ("", None)):
            self.assertEqual(self.op.call("PUT", f"{API}/place/", {"machine_id": machine.id, "geolocation": place})[0], 200)
            self.assertEqual(placed(), shown)
        for body, status in (({"machine_id": 10**9, "geolocation": "SE"}, 404), ({"machine_id": machine.id, "geolocation": "Sweden"}, 400),
                             ({"machine_id": machine.id, "geolocation": "a\nb, SE"}, 400), ({"machine_id": machine.id, "geolocation": "x" * 125 + ", SE"}, 400)):
            self.assertEqual(self.op.call("PUT", f"{API}/place/", body)[0], status, body)
        self.assertEqual(self.ada.call("PUT", f"{API}/place/", {"machine_id": machine.id, "geolocation": "SE"})[0], 403)
        self.world.admin("machine", "place", str(machine.id), "Kiruna, SE")
        self.assertEqual(placed(), "Kiruna, SE")

    def test_disputes_are_listed_by_state(self):
        self.assertEqual(self.op.ok("GET", f"{API}/disputes/?state=won"), {"disputes": [], "next": None})
        self.sql("INSERT INTO deposit (user_id, amount, state, provider, created_us) VALUES (?, 5000000000, 0, 'stripe', 1)", self.ada.id)
        deposit = self.sql("SELECT max(id) FROM deposit")[0][0]
        self.sql("INSERT INTO dispute (provider, object_id, deposit_id, user_id, amount, frozen, state, reason, created_us, state_us) "
                 "VALUES ('stripe', 'dp_1', ?, ?, 5000000000, 2000000000, 1, 'fraudulent', 1000000, 2000000)", deposit, self.ada.id)
        told = self.op.ok("GET", f"{API}/disputes/?state=taken")["disputes"]
        self.assertEqual(told, [{"id": told[0]["id"], "user_id": self.ada.id, "deposit_id": deposit, "provider": "stripe",
                                 "reference": "dp_1", "amount": 5, "frozen": 2, "state": "taken", "reason": "fraudulent",
                                 "is_asked": False, "due_at": None, "created_at": 1, "changed_at": 2}])
        self.assertEqual(self.op.ok("GET", f"{API}/disputes/?after={told[0]['id']}")["disputes"], [])
        for bad in ("state=open", "after=x", "after=-1"):
            self.assertEqual(self.op.call("GET", f"{API}/disputes/?{bad}")[0], 400, bad)

    def test_what_may_be_fraud_is_listed(self):
        machine = self.world.user("faker").machine()
        for number, (state, seen) in enumerate(((4, 0), (5, 0), (4, 5))):
            self.sql("INSERT INTO machine_proof (machine_id, gpu_uuid, n, rounds, seed, draw, token_hash, state, asked_us, kind, "
                     "company, model, nonces, openings, seen) VALUES (?, 'GPU-1', 512, 3, ?, ?, ?, ?, 1000000, 1, 1, 'RTX 4090', 24, 64, ?)",
                     machine.id, bytes(32), bytes(32), bytes([number] * 32), state, seen)
        told = self.op.ok("GET", f"{API}/fraud/")
        self.assertEqual([(row["machine_id"], row["state"], row["odd"]) for row in told["proofs"]],
                         [(machine.id, "good", ["too_fast", "shared"]), (machine.id, "bad", [])])
        self.assertEqual((told["next"], told["holds"]), (None, []))
        older = self.op.ok("GET", f"{API}/fraud/?before={told['proofs'][0]['id']}")["proofs"]
        self.assertEqual(older, told["proofs"][1:])
        cy = self.world.user("cy")
        self.credit(user_id=cy.id, kind="deposit", amount="5.00", ticket="bank 9")
        self.world.admin("hold", "credit", "--user", str(cy.id), "--amount", "2.00", "--ticket", "h1", "--reason", "odd")
        hold = self.op.ok("GET", f"{API}/fraud/")["holds"][0]
        self.assertEqual((hold["user_id"], hold["kind"], hold["amount"], hold["note"]), (cy.id, "credit", 2, "odd"))
        self.assertEqual(self.op.call("GET", f"{API}/fraud/?before=x")[0], 400)

    def test_settings_are_those_of_the_command_line(self):
        told = self.op.ok("GET", f"{API}/settings/")
        rows = {row["name"]: row for row in told["settings"]}
        self.assertEqual((rows["data"]["is_given"], rows["data"]["value"]), (True, str(self.world.data)))
        self.assertEqual((rows["auto-verify"]["value"], rows["spend-cap"]["is_given"], rows["spend-cap"]["value"]), ("on", False, None))
        self.assertIn("store", rows)
        self.assertIsNone(told["backup_at"])
        before = time.time()
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([BIN / "berthd", "backup", "--data", self.world.data, "--to", folder], check=True, capture_output=True, timeout=60)
        told = self.op.ok("GET", f"{API}/settings/")
        self.assertTrue(before - 1 <= told["backup_at"] <= time.time() + 1)

    def test_payouts_have_states(self):
        self.assertEqual(self.op.ok("GET", f"{API}/payouts/?state=created"), {"payouts": [], "next": None})
        self.assertEqual(self.op.call("GET", f"{API}/payouts/?state=lost")[0], 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
