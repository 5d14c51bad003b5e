#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long after the end of credit the order to stop is in the agent's hands, in real time; and what GPU
time was charged past it, which must be nothing. A machine on paper at $3,600 an hour; its renter gives
away credit until so little is left that it ends in a moment; the agent's poll waits for the answer."""

import os
import pathlib
import sys
import time
from decimal import Decimal

TREE = pathlib.Path(__file__).resolve().parent.parent
os.environ.setdefault("BERTH_BIN", str(TREE / "build/bin"))
sys.path.insert(0, str(TREE / "test/api"))

from world import World  # noqa: E402

ROUNDS = int(os.environ.get("BERTH_BENCH_ROUNDS", "20"))
PRICE, LEFT = 3600, 1.5


def rent(world, renter, machine):
    for _ in range(200):
        found = world.call("POST", "/api/v0/bundles/", {"num_gpus": {"eq": 1}})[1]["offers"]
        for offer in found:
            status, reply = renter.call("PUT", f"/api/v0/asks/{offer['id']}/", {
                "image": "ubuntu", "disk": 1, "runtype": "ssh"})
            if status == 200:
                machine.follow()
                machine.follow()
                return reply["new_contract"]
        time.sleep(0.05)
    raise RuntimeError("nothing to rent")


def wait_for_stop(machine, number, deadline):
    """When the desired state says stopped, by this machine's clock."""
    while time.time() < deadline:
        if machine.poll() == 200:
            wanted = {one["id"]: one["state"] for one in machine.desired["instances"]}
            if wanted.get(number) != "running":
                return time.time()
    raise RuntimeError("it was never stopped")


def one_round(world, number):
    name = f"r{number}"
    renter, host, sink = world.user(name), world.user(f"h{number}"), world.user(f"s{number}")
    machine = host.machine(gpus=1)
    machine.follow()
    host.ok("PUT", "/api/v0/machines/create_asks/", {
        "machine": machine.id, "price_gpu": PRICE, "price_disk": 0, "price_inetu": 0,
        "price_inetd": 0, "price_min_bid": 0.1, "min_chunk": 1})
    machine.follow()
    world.admin("credit", "deposit", "--user", str(renter.id), "--amount", f"{PRICE + 400}.00",
                "--ticket", f"bench {name}")
    instance = rent(world, renter, machine)
    credit = Decimal(str(renter.ok("GET", "/api/v0/users/current")["credit"]))
    given = (credit - Decimal(LEFT)).quantize(Decimal("0.000001"))
    before = time.time()
    renter.ok("PUT", "/api/v0/commands/transfer_credit/", {
        "sender": "me", "recipient": str(sink.id), "amount": str(given)})
    left = Decimal(str(renter.ok("GET", "/api/v0/users/current")["credit"]))
    seen = time.time()
    machine.poll()
    # A dollar a second: what was left when it was read, less what was used while reading.
    ends = (before + seen) / 2 + float(left)
    stopped = wait_for_stop(machine, instance, seen + 20)
    machine.follow()
    over = -Decimal(str(renter.ok("GET", "/api/v0/users/current")["credit"]))
    host.ok("DELETE", f"/api/v0/machines/{machine.id}/asks/", {})
    return 1000 * (stopped - ends), 1000 * (seen - before) / 2, max(over, Decimal(0))


def main():
    late, over = [], Decimal(0)
    with World("--rate-factor", "0") as world:
        for number in range(ROUNDS):
            late_ms, doubt_ms, past = one_round(world, number)
            late.append(late_ms + doubt_ms)
            over = max(over, past)
    late.sort()
    for name, value in (("median", late[len(late) // 2]), ("worst", late[-1])):
        print(f"RESULT stop_after_credit_{name} {value:.1f} ms vs limit 1000.0 ratio {value / 1000:.3f} "
              "better=lower", flush=True)
    print(f"RESULT gpu_charged_past_credit {int(over * 10**9)} nanodollars vs limit 0 ratio "
          f"{0 if over == 0 else 1}.00 better=lower", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
