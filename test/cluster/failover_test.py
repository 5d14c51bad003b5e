#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The database dies and its replica takes over, as docs/cluster.md has it: nothing that was acknowledged is lost, the
servers find the new one by themselves, hosts come back, no instance stops.

    failover_test.py --bin build/bin
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cluster import Cluster, Postgres, enter  # noqa: E402
from patience import Failure, check, wait_until  # noqa: E402
from kill_test import Renter  # noqa: E402
from torture import check_acknowledged, converge  # noqa: E402

HOSTS, GPUS, RENTERS = 4, 4, 4
BACK_SECONDS = 20


def follow(cluster, folder):
    """A replica that has everything before anybody is told that it is done."""
    replica = Postgres(folder, "replica", of=cluster.postgres)
    replica.start()
    cluster.postgres.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
    cluster.postgres.query("SELECT pg_reload_conf()")
    wait_until("the replica follows", 30, lambda: cluster.postgres.query(
        "SELECT sync_state FROM pg_stat_replication") == [["sync"]])
    return replica


def starts(folder, numbers):
    lines = (folder / "log").read_text(errors="replace").splitlines()
    return [line for line in lines if line.startswith("sim-host: instance ") and int(line.split()[2]) in numbers]


def rent_quietly(cluster, renter):
    """One that nobody touches."""
    for offer in cluster.call("GET", "/api/v0/bundles/", key=renter["api_key"])[1]["offers"]:
        status, reply = cluster.call("PUT", f"/api/v0/asks/{offer['id']}/", {"image": "bb:1", "disk": 8},
                                     renter["api_key"])
        if status == 200:
            return reply["new_contract"]
    raise Failure("nothing to rent")


def back(cluster, renter, number):
    """Seconds until something can be changed again."""
    began, said = time.monotonic(), None
    while time.monotonic() - began < BACK_SECONDS:
        try:
            said = cluster.call("PUT", f"/api/v0/instances/{number}/", {"label": "back"}, renter["api_key"])
            if said[0] == 200:
                return time.monotonic() - began
        except OSError as failure:
            said = failure
        time.sleep(0.05)
    raise Failure(f"nothing can be changed {BACK_SECONDS} s after the replica took over: {said}")


def run(options, folder):
    cluster = Cluster(options.bin, folder, 2)
    replica = None
    try:
        cluster.start_postgres()
        replica = follow(cluster, folder)
        cluster.store = (f"postgres://berth@127.0.0.1:{cluster.postgres.port},127.0.0.1:{replica.port}/berth"
                         "?target_session_attrs=read-write&connect_timeout=3")
        cluster.start_servers()
        accounts = cluster.settle(HOSTS, GPUS, RENTERS)
        number = rent_quietly(cluster, accounts[0])
        quiet = {number}
        time.sleep(2)
        before = starts(folder, quiet)
        check(before, "the quiet one runs")
        renters = [Renter(cluster, account, 1) for account in accounts[1:]]
        for renter in renters:
            renter.start()
        time.sleep(3)
        old, cluster.postgres = cluster.postgres, replica
        old.kill()  # for good
        replica.query("SELECT pg_promote()", database="postgres")
        seconds = back(cluster, accounts[0], number)
        check_acknowledged(cluster, renters)
        answers = sum(renter.answers for renter in renters)
        converge(cluster)
        time.sleep(3)
        for renter in renters:
            renter.stopping.set()
        for renter in renters:
            renter.join(60)
        check_acknowledged(cluster, renters)
        check(sum(renter.answers for renter in renters) > answers, "renters go on")
        check(starts(folder, quiet) == before, f"it ran through: {starts(folder, quiet)[len(before):]}")
        cluster.check_books()
        print(f"ok - changes are taken again {seconds:.1f} s after the replica took over; "
              f"{sum(len(renter.rented) for renter in renters)} rentals and "
              f"{sum(len(renter.destroyed) for renter in renters)} destroys are all there\n1 passed, 0 failed")
    finally:
        if replica is not None and replica.process is not None and replica.process.poll() is None:
            replica.kill()
        cluster.stop()


if __name__ == "__main__":
    enter(run, "failover")
