# SPDX-License-Identifier: Apache-2.0
"""berthd itself pays a host at Prism, which holds both sides to PayPal's own description of Payouts: a call that is not of it is refused there,
and what is answered are its examples.

What Prism lacks is added in between, by Bridge, and is ours: it gives no tokens, and remembers nothing, so the example's items, whose texts are all
"string", are given the names, amounts and end of those that berthd sent. A week is earned by moving a rental ten days back in the books.
"""

import http.server
import json
import pathlib
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from emulate_flow import wait
from world import World

DAYS_BACK = 10


class Bridge:
    """PayPal's address for berthd."""

    def __init__(self, target):
        self.target, self.calls, self.sent = target, [], {}
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
        if handler.path == "/v1/oauth2/token":
            status, thing = 200, {"access_token": "A21prism", "token_type": "Bearer", "expires_in": 3600,
                                  "scope": "https://uri.paypal.com/payments/payouts"}
        else:
            status, thing = self.pass_on(handler, body)
        reply = json.dumps(thing).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(reply)))
        handler.end_headers()
        handler.wfile.write(reply)

    def pass_on(self, handler, body):
        names = ("Authorization", "Content-Type", "PayPal-Request-Id", "Accept")
        request = urllib.request.Request(self.target + handler.path, method=handler.command, data=body or None,
                                         headers={name: handler.headers[name] for name in names if handler.headers.get(name)})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                status, thing = reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            status, thing = error.code, json.loads(error.read() or b"{}")
        self.calls.append((handler.command, handler.path, status, thing if status >= 400 else None))
        if handler.command == "POST" and status == 201:
            self.sent[thing["batch_header"]["payout_batch_id"]] = json.loads(body)
        if handler.command == "GET" and status == 200:
            self.remember(urllib.parse.urlparse(handler.path).path.rsplit("/", 1)[1], thing)
        return status, thing

    def remember(self, batch, thing):
        sent = self.sent[batch]
        example = thing["items"][0]
        thing["batch_header"].update(payout_batch_id=batch, batch_status="SUCCESS")
        thing["items"] = []
        for number, item in enumerate(sent["items"]):
            own = json.loads(json.dumps(example))
            own.update(payout_item_id=f"ITEM{number}", payout_batch_id=batch, transaction_status="SUCCESS",
                       payout_item_fee={"currency": "USD", "value": "0.25"})
            own["payout_item"].update(sender_item_id=item["sender_item_id"], amount=item["amount"], receiver=item["receiver"])
            thing["items"].append(own)
        thing.update(total_items=len(thing["items"]), total_pages=1)


def earn(world, hal, ada):
    """A disk that was rented ten days ago, so that a week of it is over."""
    paper = hal.machine(gpus=1)
    paper.follow()
    hal.ok("PUT", "/api/v0/machines/create_asks/", {"machine": paper.id, "price_gpu": 0.1, "price_disk": 3, "min_chunk": 1})
    paper.follow()
    offers = wait(lambda: world.call("POST", "/api/v0/bundles/", {"num_gpus": {"eq": 1}})[1]["offers"])
    ada.ok("PUT", f"/api/v0/asks/{offers[0]['id']}/", {"image": "ubuntu", "disk": 10})
    back = DAYS_BACK * 86400 * 10**6
    with sqlite3.connect(world.data / "berth.sqlite", timeout=30) as books:
        books.execute("UPDATE contract SET created_us = created_us - ?1, started_us = started_us - ?1, posted_us = posted_us - ?1, "
                      "disk_metered_us = disk_metered_us - ?1", (back,))
        books.execute("UPDATE rate_epoch SET from_us = from_us - ?1", (back,))
    world.restart()


def run(folder, spec, start, say):
    """`start` starts a program of npm's on a port of its own; `say` tells whether something holds."""
    process, target = start(folder, "node", "node_modules/.bin/prism", "mock", "--errors", "-p", "PORT", spec)
    bridge = Bridge(target)
    keys = pathlib.Path(folder) / "paypal-keys"
    keys.write_text("client prism\nsecret prism\n")
    keys.chmod(0o600)
    try:
        with World("--rate-factor", "0", "--public-url", "http://market.test", "--paypal-keys", str(keys), "--paypal-url", bridge.url,
                   "--payout-min", "0.01") as world:
            hal, ada = world.user("hal"), world.user("ada", credit="100.00")
            hal.ok("PUT", "/api/v0/billing/payouts/method/", {"country": "DE", "paypal": "hal@pay.test"})
            earn(world, hal, ada)

            def payouts():
                return hal.ok("GET", "/api/v0/billing/payouts/")["payouts"]

            wait(lambda: bridge.sent, 90)
            say("Prism takes the batch that berthd pays a host's week with", len(bridge.sent) == 1)
            state = wait(lambda: [one["state"] for one in payouts()] == ["paid"], 180) and "paid"
            say(f"what berthd asks of it is of PayPal's description, and the payout is {state}", state == "paid" and
                any(method == "GET" for method, *_ in bridge.calls))
            bad = [call for call in bridge.calls if call[2] >= 400]
            say(f"nothing of it was refused: {bad}", not bad)
            time.sleep(1)
    finally:
        process.kill()
        process.wait()
        keys.unlink(missing_ok=True)
