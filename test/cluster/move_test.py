#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A market on SQLite with hosts and rentals moves to PostgreSQL, and goes on there: no instance stops."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cluster import Postgres, die_with_the_test, postgres_programs  # noqa: E402
from kill_test import HOSTS, Market, Renter  # noqa: E402
from patience import Failure, check, wait_until  # noqa: E402


def berthd(market, *words, status=0):
    done = subprocess.run([market.bin / "berthd", *words], capture_output=True, text=True, timeout=300, check=False)
    check(done.returncode == status, f"{words}: {done.returncode}, {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def serve(market, url):
    market.server = subprocess.Popen(
        [market.bin / "berthd", "serve", "--data", market.data, "--listen", f"127.0.0.1:{market.port}", "--store", url,
         "--auto-verify", "--allow-simulated"], stderr=market.log, stdout=market.log, preexec_fn=die_with_the_test)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if market.call("GET", "/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise Failure("berthd does not answer on PostgreSQL")


def rename(folder, before, after):
    for ending in ("", "-wal", "-shm"):
        path = folder / (before + ending)
        if path.exists():
            path.rename(folder / (after + ending))


def starts(folder):
    lines = (folder / "log").read_text(errors="replace").splitlines()
    return [line for line in lines if line.startswith("sim-host: instance ")]


def run(market, folder):
    postgres = Postgres(folder)
    try:
        postgres.start()
        postgres.run("createdb", "-h", postgres.folder, "-p", str(postgres.port), "-U", "berth", "berth")
        url = f"postgres://berth@127.0.0.1:{postgres.port}/berth"
        market.start()
        renters = [Renter(market, account, 1) for account in market.settle()]
        for renter in renters:
            renter.start()
        time.sleep(4)
        for renter in renters:
            renter.stopping.set()
        for renter in renters:
            renter.join(60)
        time.sleep(1)
        check("serves from" in berthd(market, "move", "--data", str(market.data), "--store", url, status=1),
              "not while a server runs")
        rows = dict(market.query("SELECT state, count(*) FROM contract GROUP BY state"))
        market.kill()
        before = starts(folder)
        said = berthd(market, "move", "--data", str(market.data), "--store", url)
        check("moved:" in said and "both sides are sound" in said, said)
        gone = market.data / "berth.sqlite.moved"
        for words in (["check"], ["serve", "--listen", "127.0.0.1:0"], ["migrate"], ["master-key", "show"],
                      ["backup", "--to", str(folder / "backups")], ["admin", "user", "list"], ["move", "--store", url]):
            told = berthd(market, *words, "--data", str(market.data), status=1)
            check("moved to PostgreSQL" in told or "no books" in told, f"{words[0]} takes nothing else for the market: {told}")
        left = sorted(path.name for path in market.data.glob("berth.sqlite*"))
        check(gone.name in left and all(name.startswith(gone.name) for name in left), f"nor does it make new ones: {left}")
        rename(market.data, gone.name, "berth.sqlite")
        market.check_books()  # SQLite's, as they were
        check("not empty" in berthd(market, "move", "--data", str(market.data), "--store", url, status=1),
              "a target with rows is refused")
        rename(market.data, "berth.sqlite", gone.name)
        serve(market, url)
        there = {int(state): int(count)
                 for state, count in postgres.query("SELECT state, count(*) FROM contract GROUP BY state")}
        check(there == rows, f"contracts: {rows} there, {there} here")
        wait_until("hosts come back", 30, lambda: int(
            postgres.query("SELECT count(*) FROM machine WHERE is_online = 1")[0][0]) == HOSTS)
        time.sleep(6)
        check(starts(folder) == before, f"nothing starts or stops: {starts(folder)[len(before):]}")
        status, reply = market.call("GET", "/api/v0/instances?owner=me", key=renters[0].account["api_key"])
        check(status == 200 and len(reply["instances"]) == len(
            [n for n in renters[0].rented if n not in renters[0].destroyed]), "its renter sees what it rented")
        berthd(market, "check", "--store", url)
        print(f"ok - {said.splitlines()[0]}\n1 passed, 0 failed")
    finally:
        market.stop()
        if postgres.process is not None:
            postgres.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    args = parser.parse_args()
    if postgres_programs() is None:
        print("NOT RUN: PostgreSQL is needed")
        sys.exit(77)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-move-"))
    market = Market(args.bin.resolve(), folder)
    try:
        run(market, folder)
    except Failure as failure:
        print((folder / "log").read_text(errors="replace")[-2000:], file=sys.stderr)
        sys.exit(f"FAILED: {failure}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
