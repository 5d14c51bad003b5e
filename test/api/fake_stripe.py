# SPDX-License-Identifier: Apache-2.0
"""A fake of Stripe, for what needs a peer that remembers: ours, so it proves nothing about Stripe.

That our bytes are Stripe's own is proved beside golden files of its library (test/proto/golden); this
one is for what happens over many calls. It keeps objects, does a thing once for an Idempotency-Key, as
Stripe does, books what reaches the balance, and sends signed events. `faults` makes a call go wrong:

    stripe.faults["POST /v1/customers"] = ["cut_request", "cut_reply:40", "500", "429", "garbage"]

each is used up by one call, before the next one is answered as it should be.
"""

import hashlib
import hmac
import http.client
import json
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_fake"


def nest(pairs):
    """Bracket keys as objects; lists are objects by number."""
    root = {}
    for key, value in pairs:
        parts = key.replace("]", "").split("[")
        at = root
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = value
    return root


def sign(body, secret=SECRET, when=None):
    seconds = int(time.time()) if when is None else when
    mac = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={mac}"


class Refused(Exception):
    def __init__(self, status, kind, code, **more):
        super().__init__(code)
        self.status = status
        self.error = {"type": kind, "code": code, "message": code, **more}


class WholeLines:
    """What a web server in front of a provider sees of a request: whether its head came to an end, and bytes that none may have."""

    def __init__(self, file):
        self.file, self.last, self.is_clean = file, b"", True

    def readline(self, *words):
        line = self.file.readline(*words)
        if self.last in (b"\r\n", b""):
            self.is_clean = True  # the next request on this connection
        self.is_clean = self.is_clean and b"\x01" not in line
        self.last = line
        return line

    def read(self, *words):
        return self.file.read(*words)

    def close(self):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


class FakeHttp:
    """A provider on a port of its own, one call at a time, that may be made to go wrong."""

    def __init__(self):
        self.lock = threading.RLock()
        self.faults, self.log = {}, []
        self.clock = time.time
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            do_GET = do_POST = lambda self: fake.answer(self)

            def setup(self):
                super().setup()
                self.rfile = WholeLines(self.rfile)

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # What came in

    def answer(self, handler):
        is_whole, is_clean = handler.rfile.last == b"\r\n", handler.rfile.is_clean
        length = int(handler.headers.get("Content-Length") or 0) if is_whole and is_clean else 0
        raw = handler.rfile.read(length)
        if not is_whole or len(raw) < length:
            return self.cut(handler)  # of a part of a request no server makes anything
        if not is_clean or b"\x01" in raw:
            handler.close_connection = True
            return self.send_raw(handler, 400, b"<html>Bad Request", "text/html", {})
        body = raw.decode()
        path, _, query = handler.path.partition("?")
        call = f"{handler.command} {path}"
        with self.lock:
            fault = self.next_fault(call)
            key = handler.headers.get("Idempotency-Key") or handler.headers.get("PayPal-Request-Id")
            self.log.append((call, key, body, handler.headers.get("Stripe-Account")))
            if fault == "cut_request":
                return self.cut(handler)
            if fault and fault.isdigit():
                return self.send(handler, int(fault), {"error": {"type": "api_error"}}, {})
            if fault == "lost_500":
                return self.send(handler, 500, {"error": {"type": "api_error"}}, {"Stripe-Should-Retry": "false"})
            status, reply, headers = self.execute(handler, path, query, body, key)
        if fault == "done_500":
            return self.send(handler, 500, {"error": {"type": "api_error"}}, {"Stripe-Should-Retry": "false"})
        if fault == "garbage":
            return self.send_raw(handler, 200, b"<html>no", "text/html", {})
        self.send(handler, status, reply, headers, fault)

    def next_fault(self, call):
        for pattern, faults in self.faults.items():
            if faults and (call == pattern or (pattern.endswith("*") and call.startswith(pattern[:-1]))):
                return faults.pop(0)
        return None

    def cut(self, handler):
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    def send(self, handler, status, reply, headers, fault=None):
        data = json.dumps(reply, indent=2).encode()
        if fault and fault.startswith("cut_reply:"):
            head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
            whole = head.encode() + data
            handler.wfile.write(whole[:int(fault[10:]) % len(whole)])
            handler.wfile.flush()
            return self.cut(handler)
        if fault and fault.startswith("delay:"):
            time.sleep(float(fault[6:]))
        self.send_raw(handler, status, data, "application/json", headers)

    def send_raw(self, handler, status, data, kind, headers):
        handler.send_response(status)
        for name, value in {"Content-Type": kind, "Request-Id": f"req_{len(self.log)}", **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


class FakeStripe(FakeHttp):
    def __init__(self):
        self.objects, self.cards, self.txns, self.events = {}, {}, [], []
        self.once = {}
        self.accounts_ready = True
        self.payout_fails = None
        self.pays_at_once = False  # pages, as soon as they are made; nobody tells
        self.payouts_arrive = False
        self.number = 0
        super().__init__()

    def execute(self, handler, path, query, body, key):
        assert handler.headers["Stripe-Version"] == "2026-10-28.endive", handler.headers
        if handler.headers["Authorization"] != "Bearer sk_test_fake":
            return 401, {"error": {"type": "invalid_request_error", "message": "no"}}, {}
        if handler.command == "POST":
            assert key, path
            # Keys are forgotten after a day.
            if key in self.once and self.clock() - self.once[key][3] < 86400:
                before, status, reply, _ = self.once[key]
                if before != (path, body):
                    return 400, {"error": {"type": "idempotency_error"}}, {}
                return status, reply, {"Idempotent-Replayed": "true"}
        pairs = urllib.parse.parse_qsl(body if handler.command == "POST" else query, keep_blank_values=True)
        try:
            reply = self.route(handler.command, path, nest(pairs), handler.headers.get("Stripe-Account"))
            status = 200
        except Refused as refused:
            status, reply = refused.status, {"error": refused.error}
        reply = json.loads(json.dumps(reply))  # as it is now
        if handler.command == "POST" and status != 400:
            self.once[key] = ((path, body), status, reply, self.clock())
        return status, reply, {}

    # Objects

    def make(self, prefix, kind, **members):
        self.number += 1
        made = {"id": f"{prefix}_{self.number}", "object": kind, "created": int(self.clock()), "livemode": False,
                **members}
        self.objects[made["id"]] = made
        return made

    def find(self, name):
        if name not in self.objects:
            raise Refused(404, "invalid_request_error", "resource_missing")
        return self.objects[name]

    def book(self, kind, cents, source, fee=0, created=None):
        txn = self.make("txn", "balance_transaction", type=kind, amount=cents, fee=fee, net=cents - fee,
                        currency="usd", source=source)
        if created is not None:
            txn["created"] = created
        self.txns.append(txn["id"])
        return txn["id"]

    def shown(self, thing):
        """As read with what we ask to be expanded: the charge and its entry in the balance."""
        thing = dict(thing)
        charge = thing.get("latest_charge")
        if charge:
            charge = dict(self.objects[charge])
            charge["balance_transaction"] = self.objects.get(charge["balance_transaction"])
            thing["latest_charge"] = charge
        if thing["object"] in ("refund", "transfer") and thing.get("balance_transaction"):
            thing["balance_transaction"] = self.objects[thing["balance_transaction"]]
        return thing

    def read(self, asked, name):
        return self.shown(self.find(name)) if "expand" in asked else self.find(name)

    def page(self, rows, asked):
        rows = [row for row in rows if row["created"] >= int(asked.get("created", {}).get("gte", 0))]
        rows.reverse()
        after = asked.get("starting_after")
        if after:
            rows = rows[[row["id"] for row in rows].index(after) + 1:]
        limit = int(asked.get("limit", 10))
        return {"object": "list", "data": rows[:limit], "has_more": len(rows) > limit}

    def of_kind(self, kind):
        return [thing for thing in self.objects.values() if thing["object"] == kind]

    def route(self, method, path, asked, account):
        parts = path.strip("/").split("/")[1:]
        name = f"{method.lower()}_{'_'.join(parts[::2])}"
        if hasattr(self, name):
            return getattr(self, name)(asked, account, *parts[1::2])
        if parts[0] == "checkout":  # two words for one thing
            name = f"{method.lower()}_page" + ("s" if len(parts) == 2 else "")
            return getattr(self, name)(asked, *parts[2:])
        if method == "GET" and len(parts) == 2:
            return self.read(asked, parts[1])
        raise Refused(404, "invalid_request_error", "no_such_route")

    def post_customers(self, asked, _account):
        return self.make("cus", "customer", **asked)

    def post_pages(self, asked):
        self.find(asked["customer"])
        page = self.make("cs_test", "checkout.session", mode=asked["mode"], status="open", payment_status="unpaid",
                         customer=asked["customer"], metadata=asked["metadata"], payment_intent=None,
                         setup_intent=None, amount_total=None)
        page["url"] = f"{self.url}/pay/{page['id']}"
        if asked["mode"] == "payment":
            page["amount_total"] = int(asked["line_items"]["0"]["price_data"]["unit_amount"])
            page["intent_metadata"] = asked["payment_intent_data"]["metadata"]
        if self.pays_at_once:
            page = dict(page)
            self.pay(page["url"])
            self.event("payment_method.automatically_updated", self.cards[page["customer"]][-1]["id"])
            self.event("checkout.session.completed", page["id"])
        return page

    def get_page(self, _asked, name):
        return self.find(name)

    def get_customers_payment_methods(self, _asked, _account, customer):
        return {"object": "list", "data": [c for c in self.cards.get(customer, [])], "has_more": False}

    def post_payment_intents(self, asked, _account):
        cents = int(asked["amount"])
        intent = self.make("pi", "payment_intent", amount=cents, currency="usd", customer=asked["customer"],
                           metadata=asked["metadata"], status="requires_payment_method", latest_charge=None,
                           last_payment_error=None)
        card = next((c for c in self.cards.get(asked["customer"], []) if c["id"] == asked["payment_method"]), None)
        if card is None or card.get("declines"):
            code = card["declines"] if card else "resource_missing"
            error = {"type": "card_error", "code": "card_declined", "decline_code": code}
            if code == "authentication_required":
                error["code"] = code
            intent["last_payment_error"] = dict(error)
            raise Refused(402, "card_error", error["code"], decline_code=code, payment_intent=dict(intent))
        self.succeed(intent)
        return intent

    def succeed(self, intent):
        charge = self.make("ch", "charge", payment_intent=intent["id"], amount=intent["amount"],
                           balance_transaction=None, customer=intent["customer"])
        fee = intent["amount"] * 29 // 1000 + 30
        charge["balance_transaction"] = self.book("charge", intent["amount"], charge["id"], fee)
        intent.update(status="succeeded", latest_charge=charge["id"], last_payment_error=None)

    def get_payment_intents(self, asked, _account, name=None):
        if name:
            return self.read(asked, name)
        return self.page([x for x in self.of_kind("payment_intent") if x["customer"] == asked["customer"]], asked)

    def post_refunds(self, asked, _account):
        intent, cents = self.find(asked["payment_intent"]), int(asked["amount"])
        done = sum(r["amount"] for r in self.of_kind("refund")
                   if r["payment_intent"] == intent["id"] and r["status"] != "failed")
        if done + cents > intent["amount"]:
            raise Refused(400, "invalid_request_error", "charge_already_refunded")
        refund = self.make("re", "refund", amount=cents, payment_intent=intent["id"], charge=intent["latest_charge"],
                           metadata=asked["metadata"], status="succeeded")
        refund["balance_transaction"] = self.book("refund", -cents, refund["id"])
        return refund

    def get_refunds(self, asked, _account, name=None):
        if name:
            return self.read(asked, name)
        return self.page([r for r in self.of_kind("refund") if r["payment_intent"] == asked["payment_intent"]], asked)

    def post_disputes(self, asked, _account, name):
        """A bank takes evidence once, and before its day."""
        dispute = self.find(name)
        details = dispute["evidence_details"]
        if dispute["status"] != "needs_response" or details["due_by"] <= self.clock():
            raise Refused(400, "invalid_request_error", "dispute_not_open")
        if any(len(text) > 20000 for text in asked["evidence"].values()):
            raise Refused(400, "invalid_request_error", "string_too_long")
        dispute["evidence"] = asked["evidence"]
        if asked["submit"] == "true":
            dispute["status"] = "under_review"
            details.update(has_evidence=True, submission_count=details["submission_count"] + 1)
        return dispute

    def post_accounts(self, asked, _account):
        ready = self.accounts_ready
        return self.make("acct", "account", metadata=asked["metadata"], country=asked["country"],
                         payouts_enabled=ready, capabilities={"transfers": "active" if ready else "inactive"},
                         requirements={"currently_due": [] if ready else ["external_account"]})

    def post_account_links(self, asked, _account):
        self.find(asked["account"])
        self.number += 1
        return {"object": "account_link", "created": int(time.time()), "url": f"{self.url}/onboard/{self.number}"}

    def balance(self):
        return sum(self.objects[name]["net"] for name in self.txns)

    def post_transfers(self, asked, _account):
        cents = int(asked["amount"])
        if cents > self.balance():
            raise Refused(400, "invalid_request_error", "balance_insufficient")
        transfer = self.make("tr", "transfer", amount=cents, currency="usd", destination=asked["destination"],
                             transfer_group=asked["transfer_group"], metadata=asked["metadata"], amount_reversed=0)
        transfer["balance_transaction"] = self.book("transfer", -cents, transfer["id"])
        return transfer

    def get_transfers(self, asked, _account, name=None):
        if name:
            return self.read(asked, name)
        return self.page([t for t in self.of_kind("transfer") if t["transfer_group"] == asked["transfer_group"]
                          and t["destination"] == asked["destination"]], asked)

    def post_transfers_reversals(self, asked, _account, name):
        transfer, cents = self.find(name), int(asked["amount"])
        if transfer["amount_reversed"] + cents > transfer["amount"]:
            raise Refused(400, "invalid_request_error", "transfer_already_reversed")
        transfer["amount_reversed"] += cents
        reversal = self.make("trr", "transfer_reversal", amount=cents, transfer=name)
        reversal["balance_transaction"] = self.book("transfer_refund", cents, reversal["id"])
        return reversal

    def connected(self, account):
        return (sum(t["amount"] - t["amount_reversed"] for t in self.of_kind("transfer") if t["destination"] == account)
                - sum(p["amount"] for p in self.of_kind("payout")
                      if p["account"] == account and p["status"] not in ("failed", "canceled")))

    def post_payouts(self, asked, account):
        cents = int(asked["amount"])
        if cents > self.connected(account):
            raise Refused(400, "invalid_request_error", "balance_insufficient")
        return self.make("po", "payout", amount=cents, currency="usd", status="pending", account=account,
                         failure_code=None)

    def get_payouts(self, asked, account, name=None):
        if name:
            if self.payouts_arrive:
                self.find(name)["status"] = "paid"
            return self.find(name)
        return self.page([p for p in self.of_kind("payout") if p["account"] == account], asked)

    def get_balance_transactions(self, asked, _account, name=None):
        if name:
            return self.find(name)
        return self.page([self.objects[x] for x in self.txns], asked)

    def get_events(self, asked, _account):
        wanted = asked["types"]["0"]
        return self.page([e for e in self.events if e["type"] == wanted], asked)

    # What people and time do

    def add_card(self, customer, fingerprint="fp_1", declines=None, last4="4242"):
        card = {"brand": "visa", "last4": last4, "exp_month": 12, "exp_year": 2031, "fingerprint": fingerprint}
        made = self.make("pm", "payment_method", type="card", customer=customer, card=card, declines=declines)
        self.cards.setdefault(customer, []).append(made)
        return made["id"]

    def pay(self, url, fingerprint="fp_1"):
        """Somebody pays on the page, or leaves a card; returns the page."""
        with self.lock:
            page = self.find(url.rsplit("/", 1)[1])
            if page["status"] != "open":
                return page
            self.add_card(page["customer"], fingerprint)
            page["status"] = "complete"
            if page["mode"] == "setup":
                made = self.make("seti", "setup_intent", status="succeeded", customer=page["customer"])
                page.update(setup_intent=made["id"], payment_status="no_payment_required")
                return page
            intent = self.make("pi", "payment_intent", amount=page["amount_total"], customer=page["customer"],
                               metadata=page["intent_metadata"], status="processing", latest_charge=None)
            self.succeed(intent)
            page.update(payment_intent=intent["id"], payment_status="paid")
            return page

    def dispute(self, intent, status="needs_response", **more):
        charge = self.find(intent)["latest_charge"]
        cents = self.objects[charge]["amount"]
        made = self.make("dp", "dispute", amount=cents, charge=charge, payment_intent=intent, status=status,
                         reason="fraudulent", metadata={}, balance_transactions=[], evidence={}, **more)
        made["evidence_details"] = {"due_by": int(self.clock()) + 7 * 86400, "has_evidence": False, "past_due": False,
                                    "submission_count": 0}
        entry = self.book("adjustment", -cents, made["id"], 1500)
        made["balance_transactions"].append(self.objects[entry])
        return made

    def end_dispute(self, name, is_won):
        made = self.find(name)
        made["status"] = "won" if is_won else "lost"
        if is_won:
            entry = self.book("adjustment", made["amount"], name)
            made["balance_transactions"].append(self.objects[entry])

    def event(self, kind, thing, account=None, is_live=False):
        """As the endpoint would be sent it."""
        with self.lock:
            thing = dict(self.objects[thing]) if isinstance(thing, str) else thing
            made = self.make("evt", "event", type=kind, livemode=is_live, data={"object": thing})
            del self.objects[made["id"]]
            if account:
                made["account"] = account
            self.events.append(made)
            return made

    @staticmethod
    def deliver(world, event, signature=None, body=None):
        data = body if body is not None else json.dumps(event).encode()
        connection = http.client.HTTPConnection(world.host, world.port, timeout=30)
        connection.request("POST", "/api/v0/stripe/events/", body=data, headers={
            "Content-Type": "application/json",
            "Stripe-Signature": sign(data) if signature is None else signature})
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply.status
