#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every call to a payment provider goes wrong at every STEP-th byte of it, and of its answer: nobody is charged twice, no host is paid twice, nothing is
stuck once it heals, and the books are sound. A program that turns its own clock (payments_rig.c) has all flows of money under way;
between it and fakes that remember stands fault_proxy.py.

    payments_faults.py RIG [STEP [FIRST]]
    payments_faults.py RIG every STEP [JOBS]

A list of faults that is longer than the retries of two months does not heal, so every byte is met by many short runs, each from
another FIRST byte on, rather than by one with STEP 1: `every` makes them, JOBS at a time, since they wait for most of theirs.
"""

import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

from fake_paypal import FakePayPal
from fake_stripe import FakeStripe
from fault_proxy import FaultProxy

HOSTS, RENTERS = 8, 4
APART, JOBS = 101, 16


def every(rig, step, jobs):
    """All runs whose faults are APART bytes from one another; the sums of what they say."""
    def run(first):
        return subprocess.run([sys.executable, "-B", __file__, rig, str(APART), str(first)], capture_output=True, text=True, check=False)

    sums, bad = collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for first, done in zip(range(0, APART, step), pool.map(run, range(0, APART, step))):
            found = re.search(r"^RESULT payments-faults (\d+) faults vs doubles (\d+) stuck (\d+) findings (\d+)", done.stdout, re.M)
            if done.returncode != 0 or not found:
                bad += 1
                print(f"# from byte {first} on:\n{done.stdout}{done.stderr}", flush=True)
            if found:
                sums.update(dict(zip(("runs", "faults", "doubles", "stuck", "findings"), (1, *map(int, found.groups())))))
    print(f"RESULT payments-faults-every-{step} {sums['faults']} faults in {sums['runs']} runs vs doubles {sums['doubles']} "
          f"stuck {sums['stuck']} findings {sums['findings']} failed {bad}")
    return 1 if bad or not sums["runs"] else 0


def main():
    if sys.argv[2:3] == ["every"]:
        return every(sys.argv[1], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else JOBS)
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
