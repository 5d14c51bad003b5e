# SPDX-License-Identifier: Apache-2.0
"""berthd itself at `stripe-stateful-mock`, which others wrote: customers, cards, charges, declines, refunds and disputes are kept there, and
so is what it does once for a key.

Every first answer to a call that makes something gets lost on its way, so berthd asks again, and what the emulator replays is what counts. What
it lacks of Stripe is added in between, by Bridge, and is ours: it knows charges and no intents, so each intent stands for the charge of the same
name; it has no pages, no entries of the balance, and tells of nothing; and evidence stays here.
"""

import http.server
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

from emulate_flow import wait
from fake_stripe import SECRET, FakeStripe, nest, sign
from world import BIN, World

AUTH = "Bearer sk_test_stateful"


class Bridge:
    """Stripe's address for berthd."""

    def __init__(self, target):
        self.target, self.pages, self.metadata, self.lost, self.replayed, self.evidence = target, {}, {}, set(), [], {}
        self.number = 0
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
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        key = handler.headers.get("Idempotency-Key")
        status, thing = self.answer(handler.command, handler.path.partition("?")[0], urllib.parse.parse_qsl(body), key)
        if key and key not in self.lost:
            self.lost.add(key)
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        reply = json.dumps(thing).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(reply)))
        handler.end_headers()
        handler.wfile.write(reply)

    def ask(self, path, pairs=None, key=None):
        """The emulator."""
        request = urllib.request.Request(self.target + path, headers={"Authorization": AUTH, **({"Idempotency-Key": key} if key else {})},
                                         data=None if pairs is None else urllib.parse.urlencode(pairs).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                self.note(reply.headers, path)
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            self.note(error.headers, path)
            return error.code, json.loads(error.read())

    def note(self, headers, path):
        if headers.get("idempotent-replayed") == "true":
            self.replayed.append(path)

    def answer(self, method, path, pairs, key):
        if path == "/v1/checkout/sessions":
            return 200, self.make_page(nest(pairs))
        if path in self.pages:
            return 200, self.pages[path]
        if path == "/v1/payment_intents":
            return self.charge(nest(pairs), pairs, key)
        found = re.fullmatch(r"/v1/payment_intents/pi_(\w+)", path)
        if found:
            return 200, self.intent(self.ask(f"/v1/charges/ch_{found.group(1)}")[1])
        if path == "/v1/refunds":
            return self.shown(*self.ask(path, [("charge", "ch" + value[2:]) if name == "payment_intent" else (name, value) for name, value in pairs], key))
        if path.startswith("/v1/refunds/") or path.startswith("/v1/disputes/"):
            if method == "POST":
                self.evidence.setdefault(path, {})[key] = nest(pairs)
            return self.shown(*self.ask(path))
        found = re.fullmatch(r"/v1/customers/(\w+)/payment_methods", path)
        if found:
            return 200, {"object": "list", "has_more": False, "data": [
                {"id": card["id"], "object": "payment_method", "type": "card", "customer": found.group(1),
                 "card": {name: card[name] for name in ("brand", "last4", "exp_month", "exp_year", "fingerprint")}}
                for card in self.ask(f"/v1/customers/{found.group(1)}?expand[]=sources")[1]["sources"]["data"]]}
        if path == "/v1/customers":
            return self.ask(path, pairs, key)
        return 200, {"object": "list", "data": [], "has_more": False}

    def make_page(self, asked):
        self.number += 1
        name = f"cs_test_{self.number}"
        page = {"id": name, "object": "checkout.session", "mode": asked["mode"], "status": "open", "payment_status": "unpaid",
                "customer": asked["customer"], "metadata": asked["metadata"], "payment_intent": None, "setup_intent": None,
                "url": f"{self.url}/pay/{name}"}
        if asked["mode"] == "payment":
            page["amount_total"] = int(asked["line_items"]["0"]["price_data"]["unit_amount"])
        self.pages[f"/v1/checkout/sessions/{name}"] = page
        return page

    def pay(self, url, token):
        """Somebody pays on the page with that card of tests."""
        page = self.pages["/v1/checkout/sessions/" + url.rsplit("/", 1)[1]]
        status, charge = self.ask("/v1/charges", {"amount": page["amount_total"], "currency": "usd", "source": token})
        if status != 200:
            return status, charge
        self.metadata[charge["id"]] = page["metadata"]
        page.update(status="complete", payment_status="paid", payment_intent="pi" + charge["id"][2:])
        return status, page

    def charge(self, asked, pairs, key):
        kept = [(name, value) for name, value in pairs if name in ("amount", "currency", "customer") or name.startswith("metadata")]
        status, charge = self.ask("/v1/charges", kept + [("source", asked["payment_method"])], key)
        if status != 200:
            return status, charge
        self.metadata[charge["id"]] = asked["metadata"]
        return status, self.intent(charge)

    def intent(self, charge):
        cents = int(charge["amount"])
        fee = cents * 29 // 1000 + 30
        entry = {"id": charge["balance_transaction"], "object": "balance_transaction", "type": "charge", "amount": cents, "fee": fee, "net": cents - fee}
        return {"id": "pi" + charge["id"][2:], "object": "payment_intent", "amount": cents, "currency": charge["currency"], "status": "succeeded",
                "customer": charge.get("customer"), "metadata": self.metadata.get(charge["id"], {}), "latest_charge": {**charge, "balance_transaction": entry}}

    def shown(self, status, thing):
        """With the intent, and the entry that the emulator names and does not keep."""
        if status != 200:
            return status, thing
        thing = {**thing, "payment_intent": "pi" + thing["charge"][2:], "amount": int(thing["amount"])}
        if thing["object"] == "refund":
            thing["balance_transaction"] = {"id": thing["balance_transaction"], "object": "balance_transaction", "type": "refund",
                                            "amount": -thing["amount"], "fee": 0, "net": -thing["amount"]}
        path = f"/v1/disputes/{thing['id']}"
        if path in self.evidence:
            thing.update(status="under_review", evidence_details={**thing["evidence_details"], "submission_count": len(self.evidence[path])})
        return status, thing

    def tell(self, world, kind, thing):
        self.number += 1
        event = {"id": f"evt_stateful_{self.number}", "object": "event", "type": kind, "livemode": False, "data": {"object": thing}}
        body = json.dumps(event).encode()
        for _ in range(3):
            FakeStripe.deliver(world, None, sign(body), body)


def run(folder, start, say):
    """`start` starts a program of npm's on a port of its own; `say` tells whether something holds."""
    process, target = start(folder, "node", "node_modules/.bin/stripe-stateful-mock")
    bridge = Bridge(target)
    keys = pathlib.Path(folder) / "keys"
    keys.write_text(f"secret sk_test_stateful\nwebhook {SECRET}\n")
    keys.chmod(0o600)
    try:
        with World("--rate-factor", "0", "--public-url", "http://market.test", "--stripe-keys", str(keys),
                   "--stripe-url", bridge.url, "--test-credit", "0") as world:
            journey(world, bridge, say)
            checked = subprocess.run([BIN / "berthd", "check", "--data", world.data], capture_output=True, text=True, check=False)
            say("and berthd's books are sound", checked.returncode == 0)
    finally:
        process.kill()
        process.wait()
        os.unlink(keys)


def credit(who):
    return who.ok("GET", "/api/v0/users/current")["credit"]


def buy(world, bridge, who, amount, token):
    made = who.ok("POST", "/api/v0/billing/deposits/", {"amount": amount})["deposit"]
    # Its address comes when the answer has: the first one was lost.
    url = wait(lambda: who.ok("GET", f"/api/v0/billing/deposits/{made['id']}/")["deposit"]["url"])
    status, page = bridge.pay(url, token)
    if status == 200:
        bridge.tell(world, "checkout.session.completed", page)
    return made["id"], status, page


def journey(world, bridge, say):
    ada, bo, cy, di = (world.user(name) for name in ("ada", "bo", "cy", "di"))
    number, _, page = buy(world, bridge, ada, "25.00", "tok_visa")
    say("what stripe-stateful-mock charged is credit, once", wait(lambda: credit(ada) == 25) and credit(ada) == 25)
    say("of one customer, though the answer was lost: it replayed", "/v1/customers" in bridge.replayed and
        len(bridge.ask("/v1/customers")[1]["data"]) == 1)
    _, status, _ = buy(world, bridge, di, "25.00", "tok_chargeDeclined")
    say("a card that it declines gives nothing", status == 402 and credit(di) == 0)
    for _ in range(2):
        world.admin("refund", "deposit", str(number), "--amount", "10.00", "--ticket", "t")
    refunds = "/v1/refunds?charge=ch" + page["payment_intent"][2:]
    say("a refund that got lost is done there once", wait(lambda: "/v1/refunds" in bridge.replayed) and
        [one["amount"] for one in bridge.ask(refunds)[1]["data"]] == [1000])
    say("and is out of the credit once", wait(lambda: credit(ada) == 15))
    disputed(world, bridge, bo, say)
    saved(world, bridge, cy, say)


def disputed(world, bridge, who, say):
    op = world.user("op", is_admin=True)
    _, _, page = buy(world, bridge, who, "50.00", "tok_createDispute")
    wait(lambda: credit(who) == 50)
    charge = bridge.ask("/v1/charges/ch" + page["payment_intent"][2:])[1]
    dispute = bridge.ask(f"/v1/disputes/{charge['dispute']}")[1]
    bridge.tell(world, "charge.dispute.created", dispute)
    say("what it says is disputed is frozen", wait(lambda: credit(who) == 0))
    row = op.ok("GET", "/api/v0/operator/disputes/")["disputes"][0]
    say("and waits for evidence until the day that it names", row["is_asked"] and row["due_at"] == dispute["evidence_details"]["due_by"])
    for _ in range(2):
        op.ok("POST", "/api/v0/operator/evidence/", {"dispute_id": row["id"]})
    sent = f"/v1/disputes/{dispute['id']}"
    wait(lambda: op.ok("GET", f"/api/v0/operator/evidence/?dispute={row['id']}")["evidence"]["state"] == "taken")
    given = list(bridge.evidence[sent].values())
    say("which is given once, and names what it charged", len(given) == 1 and page["payment_intent"] in given[0]["evidence"]["uncategorized_text"])


def saved(world, bridge, who, say):
    """A card there that declines once, and then does not."""
    wait(lambda: who.ok("POST", "/api/v0/billing/cards/", {})["url"])
    customer = next(page["customer"] for page in bridge.pages.values() if page["mode"] == "setup")
    for token in ("tok_chargeCustomerFail", "tok_mastercard"):
        status, _ = bridge.ask(f"/v1/customers/{customer}/sources", {"source": token})
        say(f"a card of it is saved: {token}", status == 200)
        bridge.tell(world, "setup_intent.succeeded", {"id": "seti_x", "object": "setup_intent", "customer": customer})
        wait(lambda: len(who.ok("GET", "/api/v0/billing/cards/")["cards"]) == (1 if token != "tok_mastercard" else 2))
        if token != "tok_mastercard":
            who.ok("PUT", "/api/v0/billing/autopay/", {"threshold": 5, "amount": "20.00"})
            declined = wait(lambda: [one for one in who.ok("GET", "/api/v0/billing/deposits/")["deposits"] if one["state"] == "failed"])
            say("what it declines with nobody there has failed, for its reason", declined and declined[0]["reason"] == "generic_decline")
    say("another card is charged once", wait(lambda: credit(who) == 20) and credit(who) == 20)
