#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the books should say, worked out a second time and another way, in integers without a limit.

The program beside this carries remainders from posting to posting; here the exact numerator is kept
whole and divided once. Both draw the same ticks from the same generator. Nothing else is shared.

    oracle.py --oracle build/test/bin/oracle --ticks 100000000 --zeros 1000000
"""

import argparse
import random
import subprocess
import sys
import time

MASK = (1 << 64) - 1
DENOMINATORS = {1: 3600 * 10**6, 2: 2592000 * 10**6, 3: 1 << 40, 4: 1 << 40}
MONTH_US = 30 * 24 * 3600 * 10**6


class Program:
    """The C side, which answers line by line."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        bufsize=1 << 16)

    def send(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")

    def answer(self):
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit(f"the program ended with {self.process.returncode}")


def meter_by_hand(component, rate, quantity, fee, seed, ticks, step, post, price, refund, rate_max):
    denominator, share = DENOMINATORS[component], 10000 - fee
    x, total, posted, exact, digest, gross, host = seed, 0, 0, 0, 0, 0, 0
    for _ in range(ticks):
        x = (x * 6364136223846793005 + 1442695040888963407) & MASK
        total += (x >> 32) % step
        dice = (x >> 20) & 4095
        if dice & post:
            continue
        used = total - posted
        posted = total
        exact += rate * quantity * used
        if dice & refund == refund:
            exact -= rate * quantity * (used - used // 3)
        if dice & price == 0:
            rate = (x >> 16) % rate_max
        gross, rest = divmod(exact, denominator)
        host, split = divmod(gross * share, 10000)
        digest = (digest * 11400714819323198485 + gross + 3 * host + 5 * rest + 7 * split) & MASK
    return [digest, total, gross, host]


def traffic_by_hand(rate, fee, seed, ticks, step, post, link):
    x, epoch, count, last, exact, digest, total, gross, host = seed, 0, 0, (0, 0), 0, 0, 0, 0, 0
    for _ in range(ticks):
        x = (x * 6364136223846793005 + 1442695040888963407) & MASK
        kind = (x >> 20) & 31
        if kind == 3:
            epoch, count = epoch + 1, (x >> 32) % step
        elif kind > 3:
            count += (x >> 32) % step
        told = (max(epoch - 1, 0) if kind == 2 else epoch,
                max(count - 7, 0) if kind == 1 else count)
        allowed = link * 5 * ((x >> 8) % 10000000) // (4 * 10**6)
        rewound = told < last
        moved = 0 if rewound else told[1] - (last[1] if told[0] == last[0] else 0)
        last = max(last, told)
        charged = min(moved, allowed)
        total += charged
        exact += rate * charged
        digest = (digest * 31 + (moved - charged) + rewound) & MASK
        if (x >> 25) & post:
            continue
        gross, rest = divmod(exact, 1 << 40)
        host, split = divmod(gross * (10000 - fee), 10000)
        digest = (digest * 11400714819323198485 + gross + 3 * host + 5 * rest + 7 * split) & MASK
    return [digest, total, gross, host]


def try_meters(program, dice, ticks):
    """Steps of a second, seven, ten minutes, a day, and of any length; rates up to the limit."""
    done = 0
    while done < ticks:
        count = min(ticks - done, 250000)
        if dice.random() < 0.25:
            words = [dice.randrange(10**dice.randrange(1, 14)), dice.randrange(10001), dice.getrandbits(62),
                     count, dice.choice([1, 100, 10**6, 10**9]), dice.choice([0, 1, 7, 255]),
                     dice.choice([125000, 10**8, 1250000000])]
            program.send("t", *words)
            wanted = traffic_by_hand(*words)
        else:
            component = dice.choice([1, 1, 2, 3, 4])
            # A meter lives for as long as its total fits.
            step = dice.choice([2, 10**3, 10**6, 7 * 10**6, 600 * 10**6, 86400 * 10**6,
                                dice.randrange(2, 10**7)])
            rate_max = 10**dice.randrange(1, 10 if step > 10**8 else 12)
            post = dice.choice([0, 1, 15, 255])
            words = [component, dice.randrange(rate_max), dice.randrange(1000) if component == 2 else 1,
                     dice.choice([0, 1, 2500, 3333, 9999, 10000]), dice.getrandbits(62), count, step, post,
                     post | dice.choice([0, 256, 3840]), dice.choice([8192, 3840 & ~post or 8192]), rate_max]
            program.send("m", *words)
            wanted = meter_by_hand(*words)
        if program.answer() != wanted:
            sys.exit(f"they differ on {words}")
        done += count
    return done


def a_zero(dice):
    """Posted, limit, and meters: component, rate, quantity, posted use, unposted use, running since."""
    meters = []
    for _ in range(dice.randrange(1, 6)):
        component = dice.choice([1, 1, 2, 2, 3])
        rate = dice.randrange(10**dice.randrange(1, 11))
        quantity = dice.randrange(2000) if component == 2 else 1
        runs = component < 3 and dice.random() < 0.8
        meters.append([component, rate, quantity, dice.randrange(10**dice.randrange(1, 14)),
                       dice.randrange(10**dice.randrange(1, 10)),
                       dice.randrange(10**dice.randrange(1, 9)) if runs else -1])
    posted = dice.randrange(-10**9, 10**dice.randrange(8, 13))
    return posted, dice.choice([0, 0, dice.randrange(10**10)]), meters


def zero_by_hand(posted, limit, meters, probe):
    """When the exact accrual reaches what is there; and what can be spent at `probe`."""
    scale = DENOMINATORS[2]
    due, burn = 0, 0
    for component, rate, quantity, used, more, since in meters:
        rest = rate * quantity * used % DENOMINATORS[component] + rate * quantity * more
        if component > 2:
            posted -= rest >> 40
            continue
        due += rest * (scale // DENOMINATORS[component])
        if since >= 0:
            slope = rate * quantity * (scale // DENOMINATORS[component])
            burn += slope
            due += slope * since
    there = (posted + limit) * scale

    def is_gone(at):
        return due + burn * at >= there

    available = posted - (due + burn * probe) // scale
    if is_gone(0):
        return [0, available]
    if burn == 0:
        return [-1, available]
    zero = -((due - there) // burn)
    assert is_gone(zero) and not is_gone(zero - 1)
    return [zero if zero <= 100 * 365 * 86400 * 10**6 else -1, available]


def try_zeros(program, dice, count):
    for _ in range(0, count, 500):
        asked = []
        for _ in range(500):
            posted, limit, meters = a_zero(dice)
            probe = dice.randrange(10**dice.randrange(1, 13))
            asked.append((posted, limit, meters, probe))
            program.send("z", posted, limit, probe, len(meters), *(word for row in meters for word in row))
        for case in asked:
            got, wanted = program.answer(), zero_by_hand(*case)
            if got != wanted:
                sys.exit(f"they differ on {case}: {got}, not {wanted}")


def month_by_hand(rates, gigabytes, fee, events):
    """All that happens is charged in between, whenever else it is posted."""
    exact, runs, now = [0, 0, 0, 0], True, 0
    promo, prepaid, owed, billed = 0, 0, 0, 0

    def settle():
        nonlocal promo, prepaid, owed, billed
        gross = sum(exact[i] // DENOMINATORS[i + 1] for i in range(4))
        due, billed = gross - billed, gross
        for fund in ("promo", "prepaid"):
            paid = min(due, promo if fund == "promo" else prepaid)
            due -= paid
            promo -= paid if fund == "promo" else 0
            prepaid -= paid if fund == "prepaid" else 0
        owed += due

    rates = list(rates)
    for at, kind, amount in [*events, (MONTH_US, -1, 0)]:
        exact[0] += rates[0] * (at - now) * runs
        exact[1] += rates[1] * gigabytes * (at - now)
        exact[2] += rates[2] * 37 * (at // 1000 - now // 1000)
        exact[3] += rates[3] * 911 * (at // 1000 - now // 1000)
        now = at
        settle()
        if kind == 0:
            runs = not runs
        elif kind == 1:
            rates[0] = amount
        elif kind > 1:
            paid = min(owed, amount)
            owed -= paid
            prepaid += amount - paid if kind == 2 else 0
            promo += amount - paid if kind == 3 else 0
    grosses = [exact[i] // DENOMINATORS[i + 1] for i in range(4)]
    hosts = [gross * (10000 - fee) // 10000 for gross in grosses]
    pairs = [word for pair in zip(grosses, hosts) for word in pair]
    return [*pairs, promo, prepaid, owed, sum(hosts), sum(grosses) - sum(hosts)]


def try_months(program, dice, count):
    """The same month, posted every second, seven, ten minutes, and every day: the same bill."""
    for _ in range(count):
        rates = [dice.randrange(10**10), dice.randrange(10**9), dice.randrange(10**11), dice.randrange(10**11)]
        gigabytes, fee = dice.randrange(1, 500), dice.choice([2500, 2500, 777])
        events = sorted((dice.randrange(MONTH_US), dice.randrange(4), dice.randrange(10**12))
                        for _ in range(dice.randrange(1, 60)))
        events = [(at, kind, amount // 100 if kind == 1 else amount) for at, kind, amount in events]
        wanted = month_by_hand(rates, gigabytes, fee, events)
        for seconds in (1, 7, 600, 86400):
            program.send("w", MONTH_US, seconds * 10**6, rates[0], rates[1], gigabytes, rates[2], rates[3],
                         fee, len(events), *(word for row in events for word in row))
            got = program.answer()
            if got != wanted:
                sys.exit(f"a month posted every {seconds} s: {got}, not {wanted}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ticks", type=int, default=100000000)
    parser.add_argument("--zeros", type=int, default=1000000)
    parser.add_argument("--months", type=int, default=20)
    options = parser.parse_args()
    program = Program(options.oracle)
    begun = time.monotonic()
    ticks = try_meters(program, random.Random(options.seed), options.ticks)
    print(f"{ticks} ticks of meters and counters are the same, {time.monotonic() - begun:.0f} s", flush=True)
    try_zeros(program, random.Random(options.seed + 1), options.zeros)
    print(f"{options.zeros} ends of credit are the same, {time.monotonic() - begun:.0f} s", flush=True)
    try_months(program, random.Random(options.seed + 2), options.months)
    print(f"{options.months} months at four posting intervals are the same, "
          f"{time.monotonic() - begun:.0f} s")
    program.close()


main()
