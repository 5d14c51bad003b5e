# SPDX-License-Identifier: Apache-2.0
"""A fake of PayPal Payouts, for what needs a peer that remembers: ours, so it proves nothing about PayPal.

That our bytes are PayPal's own is proved beside golden files of its library (test/proto/golden), and that they keep to
PayPal's specification by `make payments-peers`. This one is for what happens over many calls: it gives tokens, makes a
batch once for its name, pays its items as `fate` says, and knows which events it signed. Faults are those of
fake_stripe.py.
"""

import base64
import json
import time
import urllib.parse

from fake_stripe import FakeHttp

CLIENT, SECRET, WEBHOOK = "client_fake", "secret_fake", "WH-FAKE"


class FakePayPal(FakeHttp):
    def __init__(self):
        self.tokens, self.batches, self.names, self.made, self.signed = set(), {}, {}, {}, set()
        self.fate = lambda item: "SUCCESS"
        self.funds = None  # in cents; None: enough
        self.token_life = 32400
        super().__init__()

    def execute(self, handler, path, query, body, key):
        if path == "/v1/oauth2/token":
            return self.token(handler, body)
        word = handler.headers.get("Authorization", "").partition(" ")[2]
        if word not in self.tokens:
            return 401, {"error": "invalid_token"}, {}
        assert handler.headers["Content-Type"] == "application/json"
        parts = path.strip("/").split("/")
        if handler.command == "POST" and path == "/v1/payments/payouts":
            return self.create(json.loads(body), key)
        if handler.command == "GET" and parts[:3] == ["v1", "payments", "payouts"] and len(parts) == 4:
            return self.read(parts[3], dict(urllib.parse.parse_qsl(query)))
        if path == "/v1/notifications/verify-webhook-signature":
            asked = json.loads(body)
            good = asked["webhook_id"] == WEBHOOK and asked["transmission_sig"] in self.signed
            return 200, {"verification_status": "SUCCESS" if good else "FAILURE"}, {}
        return self.error(404, "RESOURCE_NOT_FOUND")

    @staticmethod
    def error(status, name, **more):
        return status, {"name": name, "message": name, "debug_id": "d1", **more}, {}

    def token(self, handler, body):
        want = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if handler.headers.get("Authorization") != want or body != "grant_type=client_credentials":
            return 401, {"error": "invalid_client"}, {}
        token = f"A21.{len(self.tokens)}"
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.token_life}, {}

    def create(self, asked, key):
        name = asked["sender_batch_header"]["sender_batch_id"]
        assert key == name, (key, name)
        # Names are forgotten after thirty days.
        if name in self.names and self.clock() - self.made[name] < 30 * 86400:
            link = {"href": f"{self.url}/v1/payments/payouts/{self.names[name]}", "rel": "self", "method": "GET"}
            return self.error(400, "USER_BUSINESS_ERROR", links=[link])
        bad = [i for i, item in enumerate(asked["items"]) if item["receiver"].startswith("bad@")]
        if bad:
            return self.error(400, "VALIDATION_ERROR", details=[
                {"field": f"items[{i}].receiver", "issue": "Receiver is invalid or does not match with type"} for i in bad])
        cents = sum(round(float(item["amount"]["value"]) * 100) for item in asked["items"])
        if self.funds is not None and cents > self.funds:
            return self.error(422, "INSUFFICIENT_FUNDS")
        number = f"B{len(self.batches) + 1}"
        self.names[name], self.made[name] = number, self.clock()
        self.batches[number] = {"name": name, "status": "PENDING", "items": [
            {"payout_item_id": f"I{number}N{i}", "transaction_id": f"T{number}N{i}", "payout_batch_id": number,
             "transaction_status": "PENDING", "payout_item": item} for i, item in enumerate(asked["items"])]}
        return 201, {"batch_header": self.header(number)}, {}

    def header(self, number):
        batch = self.batches[number]
        return {"payout_batch_id": number, "batch_status": batch["status"],
                "sender_batch_header": {"sender_batch_id": batch["name"]}}

    def settle(self, number):
        batch = self.batches[number]
        batch["status"] = "SUCCESS"
        for item in batch["items"]:
            item["transaction_status"] = self.fate(item["payout_item"])
            if item["transaction_status"] == "SUCCESS":
                item["payout_item_fee"] = {"currency": "USD", "value": "0.25"}
            if item["transaction_status"] == "FAILED":
                item["errors"] = {"name": "RECEIVER_ACCOUNT_LOCKED", "message": "m", "debug_id": "d"}

    def read(self, number, asked):
        if number not in self.batches:
            return self.error(404, "RESOURCE_NOT_FOUND")
        self.settle(number)
        size, page = int(asked["page_size"]), int(asked["page"])
        items = self.batches[number]["items"]
        return 200, {"batch_header": self.header(number), "total_items": len(items),
                     "total_pages": (len(items) + size - 1) // size, "items": items[(page - 1) * size:page * size]}, {}

    def paid(self):
        """Each payout's payments: at most one."""
        made = {}
        for batch in self.batches.values():
            for item in batch["items"]:
                made.setdefault(item["payout_item"]["sender_item_id"], []).append(item["transaction_status"])
        return made

    def sign(self, event):
        """The headers that it comes with."""
        signature = f"sig{len(self.signed)}=="
        self.signed.add(signature)
        return {"PAYPAL-AUTH-ALGO": "SHA256withRSA", "PAYPAL-CERT-URL": "https://api.paypal.com/v1/notifications/certs/C",
                "PAYPAL-TRANSMISSION-ID": event["id"], "PAYPAL-TRANSMISSION-SIG": signature,
                "PAYPAL-TRANSMISSION-TIME": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
