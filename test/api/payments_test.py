#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Money in by card, against a fake of Stripe that remembers (fake_stripe.py): what is paid is credit
once, whatever happens to the calls and the events in between; and the books are sound afterwards."""

import concurrent.futures
import json
import os
import random
import subprocess
import time
import unittest

from fake_stripe import SECRET, FakeStripe, sign
from world import BIN, World
from patience import wait_until

# Where in a reply it breaks off: the head, its end, the body, and the last byte but one.
CUTS = [0, 1, 12, 40, 90, 150, 400, 100000 - 1]


class Payments(unittest.TestCase):
    def setUp(self):
        self.stripe = FakeStripe()
        self.world = World("--rate-factor", "0", "--public-url", "http://market.test",
                           "--stripe-keys", self.keys(), "--stripe-url", self.stripe.url)
        self.world.__enter__()
        self.ada = self.world.user("ada")

    def keys(self, *secrets):
        path = f"/tmp/berth-stripe-keys-{os.getpid()}"
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write("# keys\nsecret sk_test_fake\n" + "".join(
                f"webhook {secret}\n" for secret in secrets or (SECRET, "whsec_older")))
        return path

    def tearDown(self):
        done = subprocess.run([BIN / "berthd", "check", "--data", self.world.data], capture_output=True, text=True,
                              timeout=120, check=False)
        self.world.__exit__(None, None, None)
        self.stripe.close()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def buy(self, who, amount):
        return who.ok("POST", "/api/v0/billing/deposits/", {"amount": amount})["deposit"]

    def deposit(self, who, number):
        return who.ok("GET", f"/api/v0/billing/deposits/{number}/")["deposit"]

    def credit(self, who):
        return who.ok("GET", "/api/v0/users/current")["credit"]

    def wait(self, what, why="it happens", seconds=30):
        return wait_until(why, seconds, what)

    def wait_state(self, who, number, state):
        return self.wait(lambda: self.deposit(who, number)["state"] == state, f"deposit {number} is {state}")

    def paid(self, who, amount):
        made = self.buy(who, amount)
        page = self.stripe.pay(made["url"])
        self.assertEqual(self.stripe.deliver(self.world, self.stripe.event("checkout.session.completed", page["id"])),
                         200)
        self.wait_state(who, made["id"], "paid")
        return made["id"], page["payment_intent"]

    def page(self, who, path):
        """As a browser would get it."""
        status, text, headers = self.world.call_whole("GET", path, key=who.key)
        self.assertEqual(status, 200)
        return text if isinstance(text, str) else text.decode(), headers

    def test_what_people_write_is_text_on_a_page(self):
        self.ada.ok("PUT", "/api/v0/users/", {"fullname": "<script>alert('x')</script>"})
        text, _ = self.page(self.ada, "/api/v0/charges/statement/?month=2026-11")
        self.assertNotIn("<script", text)
        self.assertIn("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;", text)
        self.assertIn("<th colspan=\"3\">Total</th><th class=\"n\">0.00</th>", text)
        self.assertEqual(self.ada.call("GET", "/api/v0/charges/statement/?month=13")[0], 400)

    def test_a_month_that_is_over_has_a_number(self):
        import sqlite3
        self.assertEqual(self.ada.ok("GET", "/api/v0/charges/statements/"), {"success": True, "results": []})
        made = "owner_id = (SELECT id FROM users WHERE email = 'ada@berth.test')"
        with sqlite3.connect(f"{self.world.data}/berth.sqlite", timeout=10) as base:
            base.execute("INSERT INTO renter_invoice (owner_id, number, month, gross, total, made_us) SELECT id, "
                         "'INV-2026-000009', 24322, 1014000000, 1010000000, 1796083260000000 FROM users "
                         "WHERE email = 'ada@berth.test'")
        try:
            self.assertEqual(self.ada.ok("GET", "/api/v0/charges/statements/")["results"],
                             [{"number": "INV-2026-000009", "month": "2026-11", "gross": 1.014, "total": 1.01,
                               "made": 1796083260}])
            self.assertIn("<dt>Number</dt><dd>INV-2026-000009</dd>",
                          self.page(self.ada, "/api/v0/charges/statement/?month=2026-11")[0])
            status, text = self.ada.call("GET", "/api/v0/charges/csv/?month=2026-11")
            self.assertEqual(status, 200)
            self.assertIn(",,,,,total of INV-2026-000009,,,0", text)
            self.assertNotIn("INV-", self.ada.call("GET", "/api/v0/charges/csv/?month=2026-10")[1])
        finally:
            with sqlite3.connect(f"{self.world.data}/berth.sqlite", timeout=10) as base:
                base.execute(f"DELETE FROM renter_invoice WHERE {made}")

    def database(self, sql):
        import sqlite3
        with sqlite3.connect(f"file:{self.world.data}/berth.sqlite?mode=ro", uri=True) as base:
            return base.execute(sql).fetchall()

    def test_what_is_paid_is_credit_once(self):
        made = self.buy(self.ada, "25.00")
        self.assertEqual((made["state"], made["amount"]), ("open", 25))
        self.assertEqual(self.buy(self.ada, 25)["id"], made["id"])  # a double click
        self.assertNotEqual(self.buy(self.ada, 26)["id"], made["id"])
        self.assertEqual(self.credit(self.ada), 0)
        page = self.stripe.pay(made["url"])
        for kind, thing in (("payment_intent.succeeded", page["payment_intent"]),
                            ("checkout.session.completed", page["id"])):
            event = self.stripe.event(kind, thing)
            self.assertEqual([self.stripe.deliver(self.world, event) for _ in range(3)], [200] * 3)
        self.wait_state(self.ada, made["id"], "paid")
        self.assertEqual(self.credit(self.ada), 25)
        shown = self.deposit(self.ada, made["id"])
        self.assertIsNone(shown["url"])
        self.assertGreater(shown["settled_at"], 1e9)
        page, headers = self.page(self.ada, f"/api/v0/billing/deposits/{made['id']}/receipt/")
        self.assertIn("<dd>$25.00</dd>", page)
        self.assertIn(f"<h1>Receipt {shown['receipt']}</h1>", page)
        self.assertRegex(shown["receipt"], r"^REC-\d{4}-000001$")
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        other = self.buy(self.ada, 26)["id"]
        self.assertEqual(self.ada.call("GET", f"/api/v0/billing/deposits/{other}/receipt/")[0], 409)
        # One name at Stripe, however many pages.
        self.assertEqual(sum(call[0] == "POST /v1/customers" for call in self.stripe.log), 1)
        self.assertEqual(self.database("SELECT count(*) FROM journal WHERE kind = 2"), [(1,)])
        # The fee is the house's, and our balance is what Stripe says that it is.
        balance = self.database("SELECT sum(amount) FROM provider_txn")[0][0]
        self.assertEqual(balance, self.stripe.balance() * 10_000_000)
        mail = "".join(p.read_text() for p in (self.world.data / "outbox").glob("*.eml"))
        self.assertIn("Receipt: $25.00 of credit", mail)

    def test_nothing_of_a_key_is_written_anywhere(self):
        self.paid(self.ada, 5)
        text = (self.world.dir / "log").read_text()
        base = (self.world.data / "berth.sqlite").read_bytes() + (self.world.data / "berth.sqlite-wal").read_bytes()
        for secret in ("sk_test_fake", SECRET, "4242424242424242"):
            self.assertNotIn(secret, text)
            self.assertNotIn(secret.encode(), base)

    def test_amounts_that_are_none(self):
        for amount in (4.99, 10000.01, 5.001, "x", None, -5, 1e12):
            self.assertEqual(self.ada.call("POST", "/api/v0/billing/deposits/", {"amount": amount})[0], 400, amount)
        self.assertEqual(self.ada.ok("GET", "/api/v0/billing/deposits/")["deposits"], [])

    def test_what_is_not_stripes_is_not_taken(self):
        made = self.buy(self.ada, 25)
        page = self.stripe.pay(made["url"])
        event = self.stripe.event("checkout.session.completed", page["id"])
        body = json.dumps(event).encode()
        now = int(time.time())
        good = sign(body)
        mac = good.split("v1=")[1]
        for forged in ("", "t=1", sign(body, "whsec_other"), sign(body, when=now - 400), sign(body, when=now + 400),
                       sign(body + b" "), f"t={now},v0={mac}", f"t={now},v1={mac.upper()}", good + f",t={now}",
                       f"t={now}abc,v1={mac}", f"t={now},v1="):
            self.assertEqual(self.stripe.deliver(self.world, event, forged), 400, forged)
        live = self.stripe.event("checkout.session.completed", page["id"], is_live=True)
        self.assertEqual(self.stripe.deliver(self.world, live), 400)
        self.assertEqual(self.database("SELECT count(*) FROM psp_event"), [(0,)])
        # The older secret holds while the newer one is rolled out.
        self.assertEqual(self.stripe.deliver(self.world, event, sign(body, "whsec_older")), 200)
        self.wait_state(self.ada, made["id"], "paid")

    def test_an_event_that_lies_moves_nothing(self):
        made = self.buy(self.ada, 25)
        self.wait(lambda: made["url"])
        for thing in ({"id": made["url"].rsplit("/", 1)[1], "object": "checkout.session", "payment_status": "paid"},
                      {"id": "pi_none", "object": "payment_intent", "status": "succeeded", "amount": 2500},
                      {"id": "po_none", "object": "payout"}, {"object": "balance"}):
            self.assertEqual(self.stripe.deliver(self.world, self.stripe.event("payment_intent.succeeded", thing)), 200)
        self.wait(lambda: not self.database("SELECT 1 FROM psp_event WHERE state = 0"), "all are dealt with")
        self.assertEqual(self.credit(self.ada), 0)

    def test_another_installations_money_is_not_ours(self):
        made = self.buy(self.ada, 25)
        with self.stripe.lock:
            intent = self.stripe.make("pi", "payment_intent", amount=2500, customer="cus_x", status="processing",
                                      metadata={"deposit": f"dep_{made['id']}", "berth_installation": "other"},
                                      latest_charge=None)
            self.stripe.succeed(intent)
        self.stripe.deliver(self.world, self.stripe.event("payment_intent.succeeded", intent["id"]))
        self.wait(lambda: not self.database("SELECT 1 FROM psp_event WHERE state = 0"))
        self.assertEqual(self.credit(self.ada), 0)

    def test_a_page_that_expires_and_one_that_is_paid_late(self):
        made = self.buy(self.ada, 25)
        page = self.stripe.find(made["url"].rsplit("/", 1)[1])
        page["status"] = "expired"
        self.stripe.deliver(self.world, self.stripe.event("checkout.session.expired", page["id"]))
        self.wait_state(self.ada, made["id"], "cancelled")
        page["status"] = "open"
        self.stripe.pay(made["url"])
        self.stripe.deliver(self.world, self.stripe.event("checkout.session.completed", page["id"]))
        self.wait_state(self.ada, made["id"], "paid")
        self.assertEqual(self.credit(self.ada), 25)

    def test_a_call_that_goes_wrong_is_made_until_it_has_gone_right_once(self):
        faults = ["cut_request", "500", "429", "409", "garbage"] + [f"cut_reply:{cut}" for cut in CUTS]
        for fault in faults:
            who = self.world.user(f"u{faults.index(fault)}")
            self.stripe.faults = {"POST /v1/customers": [fault], "POST /v1/checkout/sessions": [fault],
                                  "GET /v1/checkout/sessions*": [fault], "GET /v1/payment_intents*": [fault]}
            with self.subTest(fault):
                number, _ = self.paid(who, 25)
                self.assertEqual(self.credit(who), 25)
                self.assertFalse([f for f in self.stripe.faults.values() if f], "each was used")
                keys = {}
                for call, key, body, _ in self.stripe.log:
                    if key:
                        self.assertEqual(keys.setdefault(key, (call, body)), (call, body))
                pages = [p for p in self.stripe.of_kind("checkout.session")
                         if p["metadata"]["deposit"] == f"dep_{number}"]
                self.assertEqual(len(pages), 1)
        self.assertEqual(self.database("SELECT count(*) FROM journal WHERE kind = 2"), [(len(faults),)])

    def test_what_stripe_refuses_fails(self):
        self.stripe.faults = {"POST /v1/checkout/sessions": ["400"]}
        made = self.buy(self.ada, 25)
        self.assertEqual((made["state"], made["reason"], made["url"]), ("failed", "api_error", None))
        self.assertNotEqual(self.buy(self.ada, 25)["url"], None)

    def test_a_refused_key_stops_the_calls_and_not_the_server(self):
        self.stripe.faults = {"POST /v1/customers": ["401"]}
        self.assertIsNone(self.buy(self.ada, 25)["url"])
        self.assertIn("Stripe refuses our key", (self.world.dir / "log").read_text())
        self.assertEqual(sum(call[0].startswith("POST") for call in self.stripe.log), 1)

    def test_a_card_is_known_by_four_digits_and_brings_test_credit_once(self):
        page = self.ada.ok("POST", "/api/v0/billing/cards/", {})["url"]
        setup = self.stripe.pay(page, "fp_ada")
        self.stripe.deliver(self.world, self.stripe.event("checkout.session.completed", setup["id"]))
        cards = self.wait(lambda: self.ada.ok("GET", "/api/v0/billing/cards/")["cards"])
        self.assertEqual([(c["brand"], c["last4"], c["exp_year"]) for c in cards], [("visa", "4242", 2031)])
        self.assertEqual(self.credit(self.ada), 1)
        # The same card on another account, and another card on this one, bring nothing.
        bo = self.world.user("bo")
        for who, fingerprint in ((bo, "fp_ada"), (self.ada, "fp_other")):
            page = self.wait(lambda: who.ok("POST", "/api/v0/billing/cards/", {})["url"])
            page = page if self.stripe.find(page.rsplit("/", 1)[1])["status"] == "open" else None
            with self.stripe.lock:
                customer = self.stripe.find(self.stripe.of_kind("customer")[0 if who is self.ada else 1]["id"])["id"]
                self.stripe.add_card(customer, fingerprint, last4="1111")
            self.stripe.deliver(self.world, self.stripe.event("setup_intent.succeeded", {
                "id": "seti_x", "object": "setup_intent", "customer": customer}))
            self.wait(lambda: any(c["last4"] == "1111" for c in who.ok("GET", "/api/v0/billing/cards/")["cards"]))
        self.assertEqual((self.credit(self.ada), self.credit(bo)), (1, 0))
        # What is forgotten here, or at Stripe, is not charged again.
        self.ada.ok("DELETE", f"/api/v0/billing/cards/{cards[0]['id']}/")
        self.assertEqual(self.ada.call("DELETE", f"/api/v0/billing/cards/{cards[0]['id']}/")[0], 404)
        self.assertEqual(len(self.ada.ok("GET", "/api/v0/billing/cards/")["cards"]), 1)
        customer = self.stripe.of_kind("customer")[0]["id"]
        gone = self.stripe.cards[customer].pop()
        event = self.stripe.event("payment_method.detached", {**gone, "customer": None})
        event["data"]["previous_attributes"] = {"customer": customer}
        self.stripe.deliver(self.world, event)
        self.wait(lambda: not self.ada.ok("GET", "/api/v0/billing/cards/")["cards"])

    def test_events_in_any_order_any_number_of_times_and_forged(self):
        count, chooser = int(os.environ.get("BERTH_EVENTS", "2000")), random.Random(7)
        people = [self.world.user(f"p{i}") for i in range(min(64, 4 + count // 2000))]

        def buy_all(first):
            """What one of them buys, each time for another amount."""
            return [(who, made["id"], self.stripe.pay(made["url"])) for who in [people[first]]
                    for i in range(first, count // 20, len(people)) for made in [self.buy(who, f"{5 + i // 100}.{i % 100:02}")]]

        pool = concurrent.futures.ThreadPoolExecutor(16)
        bought = sum(pool.map(buy_all, range(len(people))), [])
        numbers, events = [(who, number) for who, number, _ in bought], []
        for _, _, page in bought:
            events += [self.stripe.event("checkout.session.completed", page["id"]),
                       self.stripe.event("payment_intent.succeeded", page["payment_intent"]),
                       self.stripe.event("payment_intent.processing", page["payment_intent"])]
        sent = [(event, None) for event in events for _ in range(chooser.randint(1, 5))]
        while len(sent) < count:
            sent.append((chooser.choice(events), None))
        for i in range(len(sent) // 10):
            forged = {**chooser.choice(events), "id": f"evt_forged_{i}"}
            sent.append((forged, sign(json.dumps(forged).encode(), "whsec_guess")))
        chooser.shuffle(sent)
        # At once, as Stripe does; those of one object meet.
        verdicts = [*zip(pool.map(lambda one: self.stripe.deliver(self.world, *one), sent), [one[1] for one in sent])]
        self.assertEqual({status for status, signature in verdicts if signature is None}, {200})
        self.assertEqual({status for status, signature in verdicts if signature is not None}, {400})
        self.wait(lambda: not self.database("SELECT 1 FROM psp_event WHERE state = 0"), "all dealt with",
                  300 + count // 50)
        for who, number in numbers:
            self.assertEqual(self.deposit(who, number)["state"], "paid")
        self.assertEqual(self.database("SELECT count(*), count(DISTINCT ref_id) FROM journal WHERE kind = 2"),
                         [(len(numbers), len(numbers))])
        self.assertEqual(self.database("SELECT count(*) FROM psp_event"), [(len(events),)])
        receipts = self.database("SELECT receipt FROM deposit ORDER BY receipt")
        self.assertEqual([int(text[9:]) for text, in receipts], list(range(1, len(numbers) + 1)))
        print(f"{len(sent)} events, {len(numbers)} deposits, one journal each")

    def refund(self, number, amount, ticket):
        return self.world.admin("refund", "deposit", str(number), "--amount", amount, "--ticket", ticket)

    def test_unspent_credit_goes_back_to_its_card_once(self):
        number, intent = self.paid(self.ada, 50)
        for fault in ("cut_request", "cut_reply:100", "500", "cut_reply:400"):
            self.stripe.faults = {"POST /v1/refunds": [fault]}
            self.assertTrue(self.refund(number, "5.00", fault)["changed"])
            self.assertFalse(self.refund(number, "5.00", fault)["changed"])
        self.wait(lambda: self.database("SELECT count(*) FROM pay_refund WHERE state = 2") == [(4,)])
        self.assertEqual(self.credit(self.ada), 30)
        self.assertEqual(len(self.stripe.of_kind("refund")), 4)
        for refund in self.stripe.of_kind("refund"):
            self.stripe.deliver(self.world, self.stripe.event("refund.updated", refund["id"]))
        with self.assertRaises(RuntimeError):
            self.refund(number, "30.01", "too much")
        # What Stripe will not send back stays credit.
        self.stripe.find(intent)["amount"] = 1
        self.refund(number, "30.00", "all")
        self.wait(lambda: self.database("SELECT reason FROM pay_refund WHERE state = 3")
                  == [("charge_already_refunded",)])
        self.assertEqual(self.credit(self.ada), 30)
        rows = self.ada.ok("GET", "/api/v1/invoices/?select_filters=" +
                           "%7B%22when%22:%7B%22gte%22:0,%22lte%22:4000000000%7D%7D")["results"]
        self.assertIn("Credit sent back to a card", {row["description"] for row in rows})

    def test_a_refund_of_which_stripe_says_nothing_more_is_looked_for(self):
        """500 and "do not retry", after it was done: it is found in the list, and not made twice."""
        number, _ = self.paid(self.ada, 50)
        self.stripe.faults = {"POST /v1/refunds": ["done_500"]}
        self.refund(number, "5.00", "a")
        self.wait(lambda: self.database("SELECT count(*) FROM pay_refund WHERE state = 2") == [(1,)])
        self.stripe.faults = {"POST /v1/refunds": ["lost_500"]}
        self.refund(number, "6.00", "b")
        self.wait(lambda: self.database("SELECT count(*) FROM pay_refund WHERE state = 2") == [(2,)])
        self.assertEqual(sorted(r["amount"] for r in self.stripe.of_kind("refund")), [500, 600])
        self.assertEqual(self.credit(self.ada), 39)

    def test_a_disputed_payment(self):
        for is_won in (True, False):
            who = self.world.user("won" if is_won else "lost")
            _, intent = self.paid(who, 50)
            with self.stripe.lock:
                made = self.stripe.dispute(intent)
            for kind in ("charge.dispute.created", "charge.dispute.funds_withdrawn"):
                self.stripe.deliver(self.world, self.stripe.event(kind, made["id"]))
            self.wait(lambda: self.credit(who) == 0)
            with self.stripe.lock:
                self.stripe.end_dispute(made["id"], is_won)
            for kind in ("charge.dispute.closed", "charge.dispute.funds_reinstated", "charge.dispute.updated"):
                self.stripe.deliver(self.world, self.stripe.event(kind, made["id"]))
            self.wait(lambda: not self.database("SELECT 1 FROM psp_event WHERE state = 0"))
            self.assertEqual(self.credit(who), 50 if is_won else 0)
        self.assertEqual(self.database("SELECT sum(amount) FROM provider_txn")[0][0],
                         self.stripe.balance() * 10_000_000)

    def test_evidence_is_previewed_and_submitted_once(self):
        op = self.world.user("op", is_admin=True)
        _, intent = self.paid(self.ada, 50)
        with self.stripe.lock:
            made = self.stripe.dispute(intent)
        self.stripe.deliver(self.world, self.stripe.event("charge.dispute.created", made["id"]))
        number = self.wait(lambda: [row["id"] for row in op.ok("GET", "/api/v0/operator/disputes/")["disputes"]])[0]
        path = "/api/v0/operator/evidence/"
        told = op.ok("GET", f"{path}?dispute={number}")
        self.assertTrue(told["dispute"]["is_asked"])
        self.assertEqual(told["dispute"]["due_at"], made["evidence_details"]["due_by"])
        self.assertEqual((told["evidence"]["state"], told["evidence"]["email"]), ("draft", "ada@berth.test"))
        self.assertEqual(told["evidence"]["ordered_from"], "127.0.0.1")
        self.assertIn(intent, told["evidence"]["record"])
        self.assertIn("api.deposit.create", told["evidence"]["activity"])
        for who, method, query, body, status in (
                (self.ada, "GET", f"?dispute={number}", None, 403), (op, "GET", "?dispute=99", None, 404), (op, "GET", "?dispute=x", None, 400),
                (self.ada, "PUT", "", {"dispute_id": number, "note": "x"}, 403), (op, "PUT", "", {"dispute_id": 99, "note": "x"}, 404),
                (op, "PUT", "", {"dispute_id": number, "note": "x" * 5001}, 400), (self.ada, "POST", "", {"dispute_id": number}, 403),
                (op, "POST", "", {"dispute_id": 99}, 404), (op, "POST", "", {}, 400)):
            self.assertEqual(who.call(method, path + query, body)[0], status, (method, query, body))
        said = op.ok("PUT", path, {"dispute_id": number, "note": "Zo\u00eb wrote to us: 100% & more."})["evidence"]
        self.assertEqual(said, self.world.admin("dispute", "show", str(number))["evidence"] | {
            "made_at": said["made_at"], "sent_at": None})
        self.stripe.faults = {f"POST /v1/disputes/{made['id']}": ["lost_500", "done_500"]}
        for _ in range(3):
            op.ok("POST", path, {"dispute_id": number})
        self.assertFalse(self.world.admin("dispute", "submit", str(number))["changed"])
        self.wait(lambda: op.ok("GET", f"{path}?dispute={number}")["evidence"]["state"] == "taken")
        sent = self.stripe.find(made["id"])
        self.assertEqual(sent["evidence_details"]["submission_count"], 1)
        self.assertEqual(sent["evidence"], {
            "access_activity_log": said["activity"], "customer_email_address": "ada@berth.test",
            "customer_name": said["name"], "customer_purchase_ip": "127.0.0.1", "product_description": said["product"],
            "uncategorized_text": f"{said['note']}\n\n{said['record']}"})
        self.assertEqual(op.call("PUT", path, {"dispute_id": number, "note": "more"})[0], 409)
        with self.stripe.lock:
            self.stripe.end_dispute(made["id"], True)
        self.stripe.deliver(self.world, self.stripe.event("charge.dispute.closed", made["id"]))
        self.wait(lambda: self.world.admin("dispute", "list", "--state", "won"))
        self.assertEqual(self.credit(self.ada), 50)
        self.assertEqual(op.call("POST", path, {"dispute_id": number})[1]["msg"], "It was submitted before: nothing changed.")

    def with_card(self, name, **more):
        """Somebody whose card is saved, and who is topped up."""
        who = self.world.user(name)
        url = self.wait(lambda: who.ok("POST", "/api/v0/billing/cards/", {})["url"])
        customer = self.stripe.find(url.rsplit("/", 1)[1])["customer"]
        with self.stripe.lock:
            self.stripe.add_card(customer, f"fp_{name}", **more)
        self.stripe.deliver(self.world, self.stripe.event("setup_intent.succeeded", {
            "id": "seti_x", "object": "setup_intent", "customer": customer}))
        self.wait(lambda: who.ok("GET", "/api/v0/billing/cards/")["cards"])
        return who

    def test_a_saved_card_is_charged_once_whatever_happens(self):
        faults = ["cut_request", "cut_reply:60", "500", "409", "done_500", "lost_500", "cut_reply:700", "garbage"]
        people = [self.with_card(f"auto{i}") for i in range(len(faults))]
        self.stripe.faults = {"POST /v1/payment_intents": list(faults)}
        for who in people:
            who.ok("PUT", "/api/v0/billing/autopay/", {"threshold": 5, "amount": "25.00"})
        for who in people:
            self.wait(lambda who=who: self.credit(who) == 26, "it is topped up", 60)  # and the test credit
        self.assertEqual(self.stripe.faults["POST /v1/payment_intents"], [])
        charged = [x for x in self.stripe.of_kind("payment_intent") if x["status"] == "succeeded"]
        self.assertEqual(len(charged), len(people))
        self.assertEqual(self.database("SELECT count(*) FROM deposit WHERE is_automatic = 1"), [(len(people),)])
        self.assertEqual(self.database("SELECT sum(amount) FROM provider_txn")[0][0],
                         self.stripe.balance() * 10_000_000)

    def test_a_card_that_declines_is_left_alone_for_a_day(self):
        who = self.with_card("poor", declines="insufficient_funds")
        self.assertEqual(who.call("PUT", "/api/v0/billing/autopay/", {"threshold": 5, "amount": 4})[0], 400)
        who.ok("PUT", "/api/v0/billing/autopay/", {"threshold": 5, "amount": 25})
        self.wait(lambda: who.ok("GET", "/api/v0/billing/autopay/")["declined"] == 1)
        rows = who.ok("GET", "/api/v0/billing/deposits/")["deposits"]
        self.assertEqual([(r["state"], r["reason"], r["automatic"]) for r in rows],
                         [("failed", "insufficient_funds", True)])
        self.assertGreater(who.ok("GET", "/api/v0/billing/autopay/")["next_try"], time.time() + 86000)
        self.wait(lambda: any("insufficient_funds" in p.read_text()
                              for p in (self.world.data / "outbox").glob("*.eml")))

    def test_a_host_says_where_its_money_goes(self):
        hal = self.world.user("hal")
        shown = hal.ok("GET", "/api/v0/billing/payouts/")
        self.assertEqual((shown["method"], shown["payouts"], shown["minimum"], shown["fee"]), (None, [], 10, 0))
        self.assertEqual(shown["total"], 0)
        self.assertEqual(hal.call("POST", "/api/v0/billing/payouts/onboarding/", {})[0], 404)
        for country in ("us", "USA", "", 7, None):
            self.assertEqual(hal.call("PUT", "/api/v0/billing/payouts/method/", {"country": country})[0], 400)
        self.stripe.accounts_ready = False
        self.stripe.faults = {"POST /v1/accounts": ["cut_reply:200", "500"], "POST /v1/account_links": ["cut_request"]}
        hal.ok("PUT", "/api/v0/billing/payouts/method/", {"country": "US"})
        first = hal.ok("POST", "/api/v0/billing/payouts/onboarding/", {})["url"]
        second = hal.ok("POST", "/api/v0/billing/payouts/onboarding/", {})["url"]
        self.assertTrue(first and second and first != second)
        self.assertEqual(len(self.stripe.of_kind("account")), 1)
        self.assertFalse(hal.ok("GET", "/api/v0/billing/payouts/")["method"]["ready"])
        account = self.stripe.of_kind("account")[0]
        account.update(payouts_enabled=True, capabilities={"transfers": "active"}, requirements={"currently_due": []})
        self.stripe.deliver(self.world, self.stripe.event("account.updated", account["id"], account=account["id"]))
        self.wait(lambda: hal.ok("GET", "/api/v0/billing/payouts/")["method"]["ready"])
        # Where nobody tells us, we ask at night.
        account["payouts_enabled"] = False
        self.stripe.deliver(self.world, self.stripe.event("account.updated", account["id"], account=account["id"]))
        self.wait(lambda: not hal.ok("GET", "/api/v0/billing/payouts/")["method"]["ready"])
        account["payouts_enabled"] = True
        self.world.admin("payments", "sweep")
        self.wait(lambda: hal.ok("GET", "/api/v0/billing/payouts/")["method"]["ready"])

    def test_the_nightly_look_finds_what_nobody_told(self):
        made = self.buy(self.ada, 25)
        page = self.stripe.pay(made["url"])  # and its events are lost
        self.stripe.event("payment_intent.succeeded", page["payment_intent"])
        old = int(time.time()) - 7200
        with self.stripe.lock:
            self.stripe.book("stripe_fee", -200, None, created=old)
            self.stripe.book("payout", -500, "po_house", created=old)
            self.stripe.book("adjustment", 777, None, created=old)
        self.world.admin("payments", "sweep")
        self.wait_state(self.ada, made["id"], "paid")
        self.wait(lambda: self.database("SELECT 1 FROM journal WHERE kind = 10"))
        self.wait(lambda: self.database("SELECT count(*) FROM provider_txn") == [(4,)])
        self.assertEqual(self.database("SELECT sum(amount) FROM provider_txn")[0][0],
                         self.stripe.balance() * 10_000_000)


if __name__ == "__main__":
    unittest.main()
