#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine's keys where its market does not know the newest one: the key before for a day, an answer that was lost, and a
market that was restored from a backup of before the turn. A renter's container runs through all of it.

    key_test.py --bin build/bin
"""

import json
import os
import pathlib
import sqlite3
import subprocess

from market import Market, main, steps
from patience import check, wait_until

PATIENCE = 60
NAMES = ("machine.key", "machine.key.next", "machine.key.former")


def run(options):
    gpus = pathlib.Path(f"/var/tmp/berth-key-gpus-{os.getpid()}")
    gpus.write_text("RTX 4090, 24564, 1\n")
    try:
        with Market(options.bin, simulate_gpus=gpus) as market:
            run_with(market, {})
    finally:
        gpus.unlink()


def run_with(market, seen):
    home = market.dir / "host"

    def keys():
        """What is on disk: of each name its text, or None."""
        return [(home / name).read_text() if (home / name).exists() else None for name in NAMES]

    def put(*texts):
        for name, text in zip(NAMES, texts):
            (home / name).unlink(missing_ok=True)
            if text is not None:
                (home / name).write_text(text)

    def books(sql, *values):
        with sqlite3.connect(market.dir / "server/berth.sqlite", timeout=30) as db:
            rows = db.execute(sql, values).fetchall()
        db.close()
        return rows

    def is_known(secret):
        ((key,),) = books("SELECT hex(public_key) FROM machine WHERE id = ?", market.machine)
        return key.lower() == secret[64:]

    def is_alive():
        """The container is the same run as before, whatever the market knows of it."""
        (row,) = [c for c in market.containers() if c["Labels"]["berth.instance"] == str(seen["instance"])]
        _, body = market.engine("GET", f"/v1.41/containers/{row['Id']}/json")
        state = json.loads(body)["State"]
        now = row["Id"], state["StartedAt"], state["Pid"]
        check(seen.setdefault("container", now) == now, "the container is the same run as before")

    def is_untouched():
        is_alive()
        market.wait_running(seen["instance"])
        ((quarantined,),) = books("SELECT is_quarantined + quarantined_count FROM machine WHERE id = ?", market.machine)
        check(quarantined == 0, "nothing is in quarantine")

    def comes_in():
        market.start_host()
        is_untouched()

    def rented():
        market.list_machine()
        market.import_busybox()
        seen["instance"] = market.rent(wait_until("offers", 30, market.offers)[0]["id"], image="bb:1")
        market.wait_running(seen["instance"])
        is_untouched()

    def turned():
        first = keys()[0]
        subprocess.run([market.bin / "berth-host", "turn-key", "--data", home], check=True, stdout=market.log)
        now = keys()
        check(now[0] != first and now[1:] == [None, first] and is_known(now[0]), "it has another, and keeps the one before")
        is_untouched()

    def before_is_good():
        """As of a host that was put back to what it was an hour ago."""
        new, _, first = keys()
        market.stop_host()
        put(first, None, None)
        comes_in()
        market.stop_host()
        put(new, None, first)
        comes_in()

    def lost():
        """Its answer got lost, the host was off for days, and the market knows the next key alone."""
        new, _, first = keys()
        market.stop_host()
        books("UPDATE machine SET former_until_us = 1")
        put(first, new, None)
        comes_in()
        check(keys() == [new, None, first], "what the market knows is what it has")

    def put_back():
        """The market was restored from a backup of before the turn."""
        new, _, first = keys()
        market.stop_host()
        books("UPDATE machine SET public_key = ?, former_key = NULL, former_until_us = 0, key_since_us = 0 WHERE id = ?",
              bytes.fromhex(first[64:]), market.machine)
        market.start_host()
        wait_until("it has told of its key again", PATIENCE, lambda: is_known(new) and keys() == [new, None, first])
        check("key before in use" in (market.dir / "host.log").read_text(errors="replace"), "and its log says so")
        is_untouched()

    def asked_twice():
        """Of the first, the day has begun with the last step; the agent has it turned once that is over."""
        new, _, first = keys()
        asked = subprocess.run([market.bin / "berth-host", "turn-key", "--data", home], capture_output=True, text=True, timeout=60,
                               check=False)
        check(asked.returncode != 0 and "is good until 20" in asked.stderr and "by itself" in asked.stderr, f"turn-key: {asked}")
        doctor = subprocess.run([market.bin / "berth-host", "doctor", "--data", home, "--private-engine"], capture_output=True, text=True,
                                timeout=60, check=False).stdout
        (line,) = [line for line in doctor.splitlines() if "machine's key" in line]
        check(line.startswith("ok") and "less than an hour old; another takes its place in 180 days" in line, f"doctor: {line}")
        check(keys()[0] == new and keys()[2] == first and is_known(new), "nothing is turned")
        is_untouched()
        market.stop_host()
        books("UPDATE machine SET former_until_us = 1")
        comes_in()
        wait_until("it is turned by itself, and nobody asks any more", PATIENCE,
                   lambda: keys()[0] != new and keys()[2] == new and is_known(keys()[0]) and not (home / "turn-key").exists())
        is_untouched()

    def log():
        return (market.dir / "host.log").read_text(errors="replace")

    def row():
        ((online, revoked),) = books("SELECT is_online, key_revoked_us FROM machine WHERE id = ?", market.machine)
        return online, revoked > 0

    def revoked():
        """Of a host that goes on with what it has, and is not let in by any key of its own, whatever it starts with."""
        mark = len(log())
        subprocess.run([market.bin / "berthd", "admin", "--data", market.dir / "server", "machine", "revoke-key", str(market.machine)],
                       check=True, stdout=market.log, timeout=60)
        wait_until("it is away", 5, lambda: row() == (0, True))
        check(market.api("GET", "/api/v0/instances/")[1]["instances"][0]["actual_status"] == "offline", "its renter sees that")
        wait_until("its agent is told", PATIENCE, lambda: "no key of machine" in log()[mark:])
        is_alive()

    def comes_back():
        leaked = keys()[0]
        status, reply = market.api("POST", "/api/v0/machines/enroll_token/", {"machine_id": market.machine}, user="host")
        check(status == 200, f"a token for it: {status} {reply}")
        market.stop_host()
        market.start_host(token=reply["token"])
        wait_until("it is online", PATIENCE, lambda: row() == (1, False))
        check(keys()[0] != leaked and is_known(keys()[0]), "by a key of its own, which is another")
        is_untouched()
        check(len(books("SELECT id FROM machine")) == 1, "it is the machine that it was")

    def ended():
        market.destroy(seen["instance"])
        market.check_books()

    steps([("a host is rented", rented),
           ("its key is turned, and the one before kept", turned),
           ("the key before is good for a day", before_is_good),
           ("an answer that was lost locks nobody out", lost),
           ("a market that was put back knows the key before", put_back),
           ("no key is turned while the one before is good, and then by itself", asked_twice),
           ("its key is revoked: it is away at once, and what runs goes on", revoked),
           ("it comes back by a token for it, as what it was", comes_back),
           ("the books are sound", ended)])


if __name__ == "__main__":
    main(run)
