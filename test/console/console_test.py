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
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT_MAX = 250_000  # bytes, compressed
FAILED = ROOT / "build/console-failed.png"  # what each person has seen last: -0, -1

# Machines on paper beside the host that pretends: model, MB of one, GPUs, dollars an hour and GPU, Mbit/s.
FLEET = [("RTX 3090", 24576, 4, 0.21, 900), ("RTX 4090", 24564, 8, 0.42, 2000), ("RTX 4090", 24564, 2, 0.55, 500),
         ("A100 SXM4", 81920, 8, 1.15, 8000), ("H100 SXM", 81559, 8, 2.35, 10000), ("RTX 5090", 32607, 4, 0.62, 1200)]
RULES = ["--payout-min", "12.50", "--downtime-credit", "40"]  # not the defaults: help must say these
PASSWORD = "correct horse battery"


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    parser.add_argument("--web", type=pathlib.Path, default=ROOT / "build/web")
    parser.add_argument("--shots", type=pathlib.Path, default=ROOT / "build/console/shots")
    parser.add_argument("--quick", action="store_true", help="do not hold pages to axe's rules, and make no pictures")
    return parser.parse_args()


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
            told = {"url": f"http://{world.address}", "data": str(world.data), "bin": str(options.bin.resolve()),
                    "shots": str(options.shots.resolve()), "failed": str(FAILED), "quick": options.quick}
            done = subprocess.run(["node", ROOT / "web/test/console.mjs", json.dumps(told)], check=False, timeout=1500,
                                  preexec_fn=die_with_the_test)
    if done.returncode != 0:
        sys.exit(f"console-test: it failed; {FAILED} shows where")
    print(json.dumps({"console": "passed"}))


if __name__ == "__main__":
    main()
