#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium, on a market of its own: berthd serves it, hosts that pretend lend
GPUs, and web/test/console.mjs walks through it as people would. How large its scripts are is a RESULT line.

    console_test.py --bin build/bin --web build/web --shots docs/console
"""

import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT_MAX = 250_000  # bytes, compressed
FAILED = ROOT / "build/console-failed.png"  # what each person has seen last: -0, -1

# Machines on paper beside the host that pretends: model, MB of one, GPUs, dollars an hour and GPU, Mbit/s.
FLEET = [("RTX 3090", 24576, 4, 0.21, 900, "Warsaw, PL"), ("RTX 4090", 24564, 8, 0.42, 2000, "Gothenburg, SE"), ("RTX 4090", 24564, 2, 0.55, 500, "Taipei, TW"),
         ("A100 SXM4", 81920, 8, 1.15, 8000, "Reykjavik, IS"), ("H100 SXM", 81559, 8, 2.35, 10000, "Oregon, US"), ("RTX 5090", 32607, 4, 0.62, 1200, "Sydney, AU")]
RULES = ["--payout-min", "12.50", "--downtime-credit", "40"]  # not the defaults: help must say these
PASSWORD = "correct horse battery"


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    parser.add_argument("--web", type=pathlib.Path, default=ROOT / "build/web")
    parser.add_argument("--shots", type=pathlib.Path, default=ROOT / "build/console/shots")
    parser.add_argument("--quick", action="store_true", help="do not hold pages to axe's rules, and make no pictures")
    return parser.parse_args()


def trouble(world):
    """What takes a card's owner, or a GPU that is none, to come about: a dispute, and proofs that somebody ought to look at."""
    with sqlite3.connect(world.data / "berth.sqlite", timeout=30) as books:
        user, = books.execute("SELECT min(id) FROM users").fetchone()
        machine, = books.execute("SELECT min(id) FROM machine").fetchone()
        now = time.time_ns() // 1000
        deposit = books.execute("INSERT INTO deposit (user_id, amount, state, provider, created_us) VALUES (?, 50000000000, 0, 'stripe', ?)", (user, now)).lastrowid
        dispute = books.execute("INSERT INTO dispute (provider, object_id, deposit_id, user_id, amount, frozen, state, reason, created_us, state_us, "
                                "asks, due_us) VALUES ('stripe', 'dp_1NfZx2', ?, ?, 50000000000, 12500000000, 1, 'fraudulent', ?, ?, 1, ?)",
                                (deposit, user, now, now, now + 6 * 86400 * 10**6)).lastrowid
        books.execute("INSERT INTO dispute_answer (dispute_id, email, name, billing, address, served, product, activity, record, made_us) "
                      "VALUES (?, 'payer@berth.test', 'Payer AB', 'Kungsgatan 1, 411 19 Gothenburg, SE', '203.0.113.9', '2026-11-02', "
                      "'GPU time, disk and traffic, rented by the second', ?, ?, ?)",
                      (dispute, "2026-11-02 10:01:12Z instance.create from 203.0.113.9, session 12", "2026-11-02 09:58:40Z $50.00 paid by card, receipt 17 mailed to "
                       "payer@berth.test\n2026-11-02 10:01:12Z C.41, 2x RTX 3090: 31.2 GPU hours, $6.55", now))
        for number, (state, seen) in enumerate(((5, 0), (4, 1), (6, 0))):
            books.execute("INSERT INTO machine_proof (machine_id, gpu_uuid, n, rounds, seed, draw, token_hash, state, asked_us, done_us, kind, company, "
                          "model, nonces, openings, seen) VALUES (?, 'GPU-4b1f', 512, 3, ?, ?, ?, ?, ?, ?, 1, 1, 'RTX 3090', 24, 64, ?)",
                          (machine, bytes(32), bytes(32), bytes([number] * 32), state, now, now, seen))


def use(world):
    """Somebody rents two GPUs for some seconds, so that prices of the last days are there."""
    tenant = world.user("tenant", credit="25.00")
    offers = tenant.ok("POST", "/api/v0/bundles/", {"gpu_name": {"eq": "RTX 3090"}, "num_gpus": {"eq": 2}})["offers"]
    made = tenant.ok("PUT", f"/api/v0/asks/{offers[0]['id']}/", {"image": "ubuntu:22.04", "disk": 10, "runtype": "ssh"})["new_contract"]
    def charged():
        return tenant.ok("GET", f"/api/v0/instances/{made}/")["instances"]["charged"]
    deadline = time.monotonic() + 60
    while charged() < 0.0005:
        if time.monotonic() > deadline:
            sys.exit("console-test: nothing is charged for what runs")
        time.sleep(0.2)
    tenant.ok("DELETE", f"/api/v0/instances/{made}/", {})


def main():
    options = read_options()
    if shutil.which("node") is None or not (ROOT / "web/node_modules").exists():
        sys.exit("console-test: make console first")
    os.environ["BERTH_BIN"] = str(options.bin.resolve())
    sys.path.insert(0, str(ROOT / "test/api"))
    from world import World, die_with_the_test  # noqa: PLC0415: finds its programs by BERTH_BIN
    import fleet  # noqa: PLC0415: the same

    size = sum(path.stat().st_size for path in options.web.rglob("*.js.gz"))
    print(f"RESULT console_script {size} bytes vs limit {SCRIPT_MAX} ratio {size / SCRIPT_MAX:.2f} better=lower")
    if size > SCRIPT_MAX:
        sys.exit("console-test: the scripts are too large")
    options.shots.mkdir(parents=True, exist_ok=True)
    with World("--web", str(options.web.resolve()), *RULES) as world:
        world.session_of(world.user("operator", is_admin=True), PASSWORD)
        with fleet.Fleet(world, world.user("fleet"), FLEET):
            trouble(world)
            use(world)
            told = {"url": f"http://{world.address}", "data": str(world.data), "bin": str(options.bin.resolve()),
                    "shots": str(options.shots.resolve()), "failed": str(FAILED), "quick": options.quick}
            done = subprocess.run(["node", ROOT / "web/test/console.mjs", json.dumps(told)], check=False, timeout=1500,
                                  preexec_fn=die_with_the_test)
    if done.returncode != 0:
        sys.exit(f"console-test: it failed; {FAILED} shows where")
    print(json.dumps({"console": "passed"}))


if __name__ == "__main__":
    main()
