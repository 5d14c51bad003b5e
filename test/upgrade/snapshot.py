#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The books of a small market as this release writes them, kept for ever: every later one must bring them up to date
(upgrade_test.py). Part of every release:

    make released VERSION=0.1.0
"""

import argparse
import gzip
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cluster"))
from cluster import Postgres  # noqa: E402
from kill_test import Market, Renter  # noqa: E402
from patience import check  # noqa: E402

RELEASED = pathlib.Path(__file__).parent / "released"
SECONDS = 8


def live(market):
    """Some of everything that a market of renters and hosts leaves behind."""
    market.start()
    renters = [Renter(market, account, 1) for account in market.settle()]
    for renter in renters:
        renter.start()
    time.sleep(SECONDS)
    for renter in renters:
        renter.stopping.set()
    for renter in renters:
        renter.join(60)
    check(sum(len(renter.rented) for renter in renters) > 0, "something was rented")
    market.kill()
    market.check_books()


def keep(data, path):
    path.write_bytes(gzip.compress(data, mtime=0))
    print(f"{path}: {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-released-"))
    market, postgres = Market(options.bin.resolve(), folder), Postgres(folder)
    try:
        postgres.start()
        postgres.run("createdb", "-h", postgres.folder, "-p", str(postgres.port), "-U", "berth", "berth")
        live(market)
        with sqlite3.connect(market.data / "berth.sqlite") as database:
            database.execute("VACUUM INTO ?", (str(folder / "one"),))
        subprocess.run([market.bin / "berthd", "move", "--data", market.data, "--store",
                        f"postgres://berth@127.0.0.1:{postgres.port}/berth"], check=True, stdout=subprocess.DEVNULL)
        target = RELEASED / options.version
        target.mkdir(parents=True)
        keep((folder / "one").read_bytes(), target / "sqlite.gz")
        keep(postgres.run("pg_dump", "-h", postgres.folder, "-p", str(postgres.port), "-U", "berth", "--no-owner",
                          "berth").encode(), target / "postgres.sql.gz")
    finally:
        market.stop()
        if postgres.process is not None:
            postgres.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
