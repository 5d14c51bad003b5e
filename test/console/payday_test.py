#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host's payout in Chromium: a real rental, a real Friday run (test/api/payday.py), a fake of Stripe that brings the money
a day later, and the Earnings page that says when.

    payday_test.py --bin build/bin --web build/web --shots docs/console
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from console_test import PASSWORD, read_options  # noqa: E402

FAILED = ROOT / "build/console-payday-failed.png"


def main():
    options = read_options()
    if shutil.which("node") is None or not (ROOT / "web/node_modules").exists():
        sys.exit("console-payday-test: make console first")
    os.environ["BERTH_BIN"] = str(options.bin.resolve())
    sys.path.insert(0, str(ROOT / "test/api"))
    from payday import HOUR_S, Payday  # noqa: PLC0415: finds its programs by BERTH_BIN
    from world import die_with_the_test  # noqa: PLC0415: the same

    options.shots.mkdir(parents=True, exist_ok=True)
    with Payday("--web", str(options.web.resolve())) as market:
        market.send()
        market.pass_until(market.friday + 30 * HOUR_S)
        paid = market.arrive()
        market.world.session_of(market.hal, PASSWORD)
        told = {"url": f"http://{market.world.address}", "data": str(market.world.data), "bin": str(options.bin.resolve()), "paid": paid,
                "shots": str(options.shots.resolve()), "failed": str(FAILED), "quick": options.quick}
        done = subprocess.run(["node", ROOT / "web/test/payday.mjs", json.dumps(told)], check=False, timeout=600, env=market.environment,
                              preexec_fn=die_with_the_test)
    if done.returncode != 0:
        sys.exit(f"console-payday-test: it failed; {FAILED} shows where")
    print(json.dumps({"console_payday": "passed"}))


if __name__ == "__main__":
    main()
