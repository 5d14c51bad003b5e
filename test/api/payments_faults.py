#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every call to a payment provider goes wrong at every STEP-th byte of it, and of its answer: nobody is charged twice, no host is paid twice, nothing is
stuck once it heals, and the books are sound. A program that turns its own clock (payments_rig.c) has all flows of money under way;
between it and fakes that remember stands fault_proxy.py.

    payments_faults.py RIG [STEP [FIRST]]

A list of faults that is longer than the retries of two months does not heal, so every byte is met by many short runs, each from
another FIRST byte on, rather than by one with STEP 1.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile

from fake_paypal import FakePayPal
from fake_stripe import FakeStripe
from fault_proxy import FaultProxy

HOSTS, RENTERS = 8, 4


def main():
    rig, step = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 97
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    rounds = str(40000 // step + 800)
    stripe, paypal = FakeStripe(), FakePayPal()
    stripe.pays_at_once, stripe.payouts_arrive = True, True
    with tempfile.TemporaryDirectory() as folder:
        clock = os.path.join(folder, "clock")
        stripe.clock = paypal.clock = lambda: int(open(clock, encoding="ascii").read())
        with open(clock, "w", encoding="ascii") as file:
            file.write("1795000000\n")
        stripe.book("topup", 10**9, None)
        proxies = [FaultProxy(fake.server.server_address[1], step, first) for fake in (stripe, paypal)]
        done = subprocess.run([rig, proxies[0].url, proxies[1].url, clock, rounds], capture_output=True, text=True,
                              timeout=3600, check=False)
    found = re.search(r"RIG rounds (\d+) open (\d+) paid (\d+) deposits (\d+) refunds (\d+) findings (\d+)", done.stdout)
    print(done.stdout[-2000:] + done.stderr[-2000:] if not found else found.group(0))
    if not found:
        return 1
    _, still_open, paid, deposits, refunds, findings = map(int, found.groups())

    def most(rows):
        return max(collections.Counter(rows).values(), default=0)

    charged = most(x["metadata"].get("deposit") for x in stripe.of_kind("payment_intent") if x["status"] == "succeeded")
    returned = most(x["metadata"].get("refund") for x in stripe.of_kind("refund"))
    moved = most(x["metadata"].get("payout") for x in stripe.of_kind("transfer"))
    sent = most(x["account"] for x in stripe.of_kind("payout"))
    items = max((len(x) for x in paypal.paid().values()), default=0)
    faults, left = sum(p.done for p in proxies), sum(p.left() for p in proxies)
    kinds = sum(len(p.plans) for p in proxies)
    print(f"# {faults} faults at {kinds} kinds of call, {left} were not met")
    for name, plan in ((n, p) for proxy in proxies for n, p in sorted(proxy.plans.items()) if p):
        print(f"# {name} was not made often enough for {len(plan)} more, from {plan[0][0]} at byte {plan[0][1]} on")
    met = sum((p.by_fault for p in proxies), collections.Counter())
    print("# " + ", ".join(f"{count} {fault}" for fault, count in sorted(met.items())))
    print(f"# most of one: {charged} charges, {returned} refunds, {moved} transfers, {sent} to a bank, {items} by PayPal")
    doubles = sum(max(0, x - 1) for x in (charged, returned, moved, sent, items))
    print(f"RESULT payments-faults {faults} faults vs doubles {doubles} stuck {still_open} findings {findings}")
    sound = (doubles, still_open, findings, paid, deposits, refunds) == (0, 0, 0, HOSTS, 2 * RENTERS, RENTERS)
    return 0 if sound and items == moved == charged == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
