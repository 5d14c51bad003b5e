#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console on a real market: berthd, berth-host and a Docker Engine. Somebody without an account gets to a
shell in at most twelve clicks, by the very command that the page shows; web/test/engine.mjs is the browser.

    engine_test.py --bin build/bin --web build/web --shots build/console/shots
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/e2e"))
from jupyter_test import import_jupyter, jupyter_tar  # noqa: E402: beside the journey
from market import Market, main  # noqa: E402: the same
from patience import check, wait_until  # noqa: E402

PASSWORD = "correct horse battery"


def run(options):
    if not (ROOT / "web/node_modules").exists():
        sys.exit("engine_test: make console first")
    options.shots.mkdir(parents=True, exist_ok=True)
    gpus = ROOT / "build/console/gpus.csv"
    gpus.write_text("RTX 4090,24564,1\n")
    tar = jupyter_tar()
    with Market(options.bin, simulate_gpus=str(gpus), server_options=["--web", str(options.web.resolve())]) as market:
        market.import_busybox()
        import_jupyter(market, tar)
        status, _ = market.api("PUT", "/api/v0/users/password/", {"password": PASSWORD, "new_password": PASSWORD}, user="host")
        check(status == 200, "the host has a password")
        market.list_machine()
        wait_until("offers", 30, market.offers)
        told = {"url": market.url, "data": str(market.dir / "server"), "bin": str(options.bin),
                "shots": str(options.shots.resolve()), "failed": str(ROOT / "build/console-engine-failed.png"),
                "key": str(market.ssh_key), "rival": market.keys["ada"], "engine": str(market.engine_socket)}
        done = subprocess.run(["node", ROOT / "web/test/engine.mjs", json.dumps(told)], check=False, timeout=900)
        check(done.returncode == 0, "the way through the console failed")
        wait_until("nothing is left on the host", 60, lambda: not market.containers())
        market.check_books()
    print(json.dumps({"console on an engine": "passed"}))


def add_arguments(parser):
    parser.add_argument("--web", type=pathlib.Path, default=ROOT / "build/web")
    parser.add_argument("--shots", type=pathlib.Path, default=ROOT / "build/console/shots")


if __name__ == "__main__":
    os.chdir(ROOT)
    if "--inside" not in sys.argv and os.geteuid() == 0:
        jupyter_tar()  # outside of the namespace, where the mirror is
    main(run, add_arguments)
