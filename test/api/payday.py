# SPDX-License-Identifier: Apache-2.0
"""A host's week up to the Friday on which it is paid: it earns, the week is over, and a fake of Stripe brings the money.
berthd is started anew with a clock that is ahead (later.c); everything else is as on any day."""

import json
import os
import time

from fake_stripe import SECRET, FakeStripe, sign
from world import BIN, World
from patience import wait_until

HOUR_S = 3600
SUBMIT_HOURS = 6  # after the cut, payouts are on their way
OPTIONS = ["--payout-min", "0.01", "--accept-clock"]


class Payday:
    """With a market in it whose host `hal` is owed a week's earnings."""

    def __init__(self, *options):
        self.later_s = 0
        self.stripe = FakeStripe()
        self.stripe.clock = lambda: time.time() + self.later_s
        self.stripe.book("topup", 10**9, None)
        self.keys = f"/tmp/berth-payday-keys-{os.getpid()}"
        with open(os.open(self.keys, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(f"secret sk_test_fake\nwebhook {SECRET}\n")
        self.world = World("--rate-factor", "0", "--public-url", "http://market.test", "--stripe-keys", self.keys,
                           "--stripe-url", self.stripe.url, *OPTIONS, *options)

    def __enter__(self):
        self.environment = dict(os.environ)
        self.world.__enter__()
        self.earn()
        return self

    def __exit__(self, *raised):
        try:
            self.world.__exit__(*raised)
        finally:
            os.environ.clear()
            os.environ.update(self.environment)
            os.unlink(self.keys)
            self.stripe.close()

    def earn(self):
        world = self.world
        self.hal, ada = world.user("hal"), world.user("ada", credit="1000.00")
        self.hal.ok("PUT", "/api/v0/billing/payouts/method/", {"country": "US"})
        wait_until("the host's account at the provider", 60, lambda: self.told()["method"]["ready"])
        machine = self.hal.machine(gpus=1)
        machine.follow()
        self.hal.ok("PUT", "/api/v0/machines/create_asks/", {"machine": machine.id, "price_gpu": 720})
        machine.follow()
        offer, = wait_until("an offer", 60, lambda: world.call("POST", "/api/v0/bundles/", {})[1]["offers"])
        made = ada.ok("PUT", f"/api/v0/asks/{offer['id']}/", {"image": "ubuntu", "disk": 10, "runtype": "ssh"})["new_contract"]
        machine.follow()
        deadline = time.monotonic() + 30
        while ada.ok("GET", f"/api/v0/instances/{made}/")["instances"]["charged"] < 0.5:
            assert time.monotonic() < deadline, "nothing is charged for what runs"
            time.sleep(0.3)
            machine.follow()
        ada.ok("DELETE", f"/api/v0/instances/{made}/", {})
        machine.follow()
        self.friday = self.told()["next_cut"]

    def told(self):
        return self.hal.ok("GET", "/api/v0/billing/payouts/")

    def pass_until(self, when):
        """The server is away until then."""
        self.later_s = int(when - time.time())
        os.environ |= {"LD_PRELOAD": str((BIN / "later.so").resolve()), "BERTH_LATER_S": str(self.later_s),
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.world.restart()

    def send(self):
        """It is Friday, and some hours later: one payout is on its way to the bank."""
        self.pass_until(self.friday + SUBMIT_HOURS * HOUR_S + 60)
        payout, = wait_until("the Friday run", 60, lambda: self.told()["payouts"])
        wait_until("it is on its way", 60, lambda: self.told()["payouts"][0]["state"] == "in_transit")
        return payout["id"]

    def arrive(self):
        """The bank has it, says the provider."""
        sent, = self.stripe.of_kind("payout")
        sent["status"] = "paid"
        event = self.stripe.event("payout.paid", sent["id"], account=sent["account"])
        signature = sign(json.dumps(event).encode(), when=int(self.stripe.clock()))
        assert self.stripe.deliver(self.world, event, signature) == 200
        return wait_until("it is paid", 60, lambda: [one for one in self.told()["payouts"] if one["state"] == "paid"])[0]
