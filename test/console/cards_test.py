#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A market that takes cards, in Chromium: credit is bought and a card is saved on a provider's page, which a fake of
Stripe shows and pays (test/api/fake_stripe.py), and what is said to a dispute is submitted by the operator's page.

    cards_test.py --bin build/bin --web build/web --shots docs/console
"""

import html
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from console_test import PASSWORD, read_options  # noqa: E402

MARKET = "http://market.test"  # what the provider is told: the test's browser finds it at berthd's own address
FAILED = ROOT / "build/console-cards-failed.png"


def main():
    options = read_options()
    if shutil.which("node") is None or not (ROOT / "web/node_modules").exists():
        sys.exit("console-cards-test: make console first")
    os.environ["BERTH_BIN"] = str(options.bin.resolve())
    sys.path.insert(0, str(ROOT / "test/api"))
    from fake_stripe import SECRET, FakeStripe  # noqa: PLC0415: finds its programs by BERTH_BIN
    from world import World, die_with_the_test  # noqa: PLC0415: the same

    class Provider(FakeStripe):
        """Its page is paid by who opens it, and leads back; at /dispute the last payment is disputed."""

        world = None

        def post_pages(self, asked):
            page = super().post_pages(asked)
            page["success_url"] = asked["success_url"]
            return page

        def tell(self, kind, thing):
            self.deliver(self.world, self.event(kind, thing))

        def answer(self, handler):
            if handler.path.startswith("/pay/"):
                page = self.pay(self.url + handler.path)
                self.tell("checkout.session.completed", page["id"])
                back = f"<h1>Done</h1><a href=\"{html.escape(page['success_url'])}\">Back to the market</a>"
                return self.send_raw(handler, 200, back.encode(), "text/html", {})
            if handler.path == "/dispute":
                with self.lock:
                    made = self.dispute(self.of_kind("payment_intent")[-1]["id"])
                self.tell("charge.dispute.created", made["id"])
                return self.send_raw(handler, 200, b"{}", "application/json", {})
            if handler.path == "/said":
                with self.lock:
                    said = json.dumps({"disputes": self.of_kind("dispute")}).encode()
                return self.send_raw(handler, 200, said, "application/json", {})
            return super().answer(handler)

    options.shots.mkdir(parents=True, exist_ok=True)
    stripe = Provider()
    keys = pathlib.Path(f"/tmp/berth-console-cards-{os.getpid()}")
    with open(os.open(keys, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(f"secret sk_test_fake\nwebhook {SECRET}\n")
    try:
        with World("--web", str(options.web.resolve()), "--public-url", MARKET, "--stripe-keys", str(keys), "--stripe-url", stripe.url) as world:
            stripe.world = world
            world.session_of(world.user("operator", is_admin=True), PASSWORD)
            told = {"url": f"http://{world.address}", "data": str(world.data), "bin": str(options.bin.resolve()), "market": MARKET, "provider": stripe.url,
                    "shots": str(options.shots.resolve()), "failed": str(FAILED), "quick": options.quick}
            done = subprocess.run(["node", ROOT / "web/test/cards.mjs", json.dumps(told)], check=False, timeout=600, preexec_fn=die_with_the_test)
    finally:
        keys.unlink()
        stripe.close()
    if done.returncode != 0:
        sys.exit(f"console-cards-test: it failed; {FAILED} shows where")
    print(json.dumps({"console_cards": "passed"}))


if __name__ == "__main__":
    main()
