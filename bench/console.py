#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console's search in Chromium, in a market of two thousand offers: how soon offers are painted after the
address was entered, with nothing cached in the browser, and how soon after a click the filtered ones are: as one
meets the page, and after one has scrolled through all two thousand, of which those around the screen are drawn.
Medians. With BERTH_BENCH_TRACE=FILE the last loading is traced into it, for Chromium's performance panel."""

import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent
OFFERS, ROUNDS = 2000, 5

spec = importlib.util.spec_from_file_location("http_search", TREE / "bench/http-search.py")
http_search = importlib.util.module_from_spec(spec)
spec.loader.exec_module(http_search)


def serve(folder, web):
    log = folder / "berthd.log"
    with open(log, "a", encoding="utf-8") as out:
        mark = out.tell()
        process = subprocess.Popen([http_search.BIN / "berthd", "serve", "--data", folder / "data", "--listen", "127.0.0.1:0",
                                    "--rate-factor", "0", "--web", web], stderr=out)
    while "ready on " not in log.read_text()[mark:]:
        if process.poll() is not None:
            sys.exit(f"bench-console: berthd ended: {log.read_text()[mark:]}")
        time.sleep(0.01)
    return process, log.read_text()[mark:].split("ready on ")[1].split()[0]


def end(process):
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def main():
    web = TREE / "build/web"
    if not (TREE / "web/node_modules").exists() or not web.exists():
        sys.exit("bench-console: make console first")
    http_search.OFFERS = OFFERS
    with tempfile.TemporaryDirectory(prefix="berth-bench-console-") as name:
        folder = pathlib.Path(name)
        process, _ = serve(folder, web)
        end(process)
        http_search.fill(folder / "data/berth.sqlite")
        process, url = serve(folder, web)
        try:
            http_search.settle(process.pid)
            told = json.dumps({"url": url, "offers": OFFERS, "rounds": ROUNDS, "trace": os.environ.get("BERTH_BENCH_TRACE")})
            done = subprocess.run(["node", TREE / "web/test/speed.mjs", told], check=False, timeout=600)
        finally:
            end(process)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
