#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two or four berthd on one PostgreSQL under load, and in every cycle something breaks: a berthd is killed, or
halted for longer than its time-outs, the database is stopped as a crash would, or the wire between them is cut.
Afterwards the books must be sound, every GPU has one holder at most, and what renters were told is so.

    make torture-cluster CYCLES=200 SERVERS=2
"""

import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cluster import Cluster, enter  # noqa: E402
from patience import Failure, check  # noqa: E402
from kill_test import Renter  # noqa: E402

HOSTS, GPUS, RENTERS = 4, 4, 6


def kill_server(cluster, chance):
    server = chance.choice(cluster.servers)
    server.kill()
    time.sleep(chance.uniform(0, 0.5))
    server.start()


def halt_server(cluster, chance):
    """Its work is taken over meanwhile; when it goes on it must not write as if nothing had been."""
    server = chance.choice(cluster.servers)
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 2))
    server.process.send_signal(signal.SIGCONT)


def kill_database(cluster, chance):
    cluster.postgres.kill()
    time.sleep(chance.uniform(0, 0.5))
    cluster.postgres.start()


def cut_wire(cluster, chance):
    wire = chance.choice(cluster.servers).wire
    wire.cut(silently=chance.random() < 0.5)
    time.sleep(chance.uniform(0.2, 1.5))
    wire.cut()  # what it waits for will never come: a silent one ends as all do
    wire.heal()


TROUBLES = (kill_server, kill_server, halt_server, kill_database, cut_wire, cut_wire)


def check_acknowledged(cluster, renters):
    # They go on meanwhile: what counts is what they knew before we look.
    known = [(dict(renter.rented), set(renter.destroyed), set(renter.tried)) for renter in renters]
    labels = {label: int(count) for label, count in cluster.postgres.query(
        "SELECT label, count(*) FROM contract WHERE label IS NOT NULL GROUP BY label")}
    ended = {int(number) for (number,) in cluster.postgres.query("SELECT id FROM contract WHERE destroyed_us > 0")}
    for renter, (rented, destroyed, tried) in zip(renters, known):
        check(renter.trouble is None, f"a renter: {renter.trouble}")
        for number, label in rented.items():
            check(labels.get(label) == 1, f"instance {number} is there {labels.get(label, 0)} times")
        for label in tried:
            check(labels.get(label, 0) <= 1, f"label {label} is there {labels.get(label)} times")
        lost = destroyed - ended
        check(not lost, f"destroyed, and there again: {lost}")
    twice = cluster.postgres.query("SELECT gpu_id, count(*) FROM gpu_claim WHERE released_us IS NULL "
                                   "GROUP BY gpu_id HAVING count(*) > 1")
    check(not twice, f"GPUs with two holders: {twice}")


def converge(cluster, seconds=60):
    """Every server answers, every host is heard, and what is on machines is what should be."""
    end = time.monotonic() + seconds
    for server in cluster.servers:
        server.wait(seconds)
    while time.monotonic() < end:
        online = cluster.postgres.query("SELECT count(*) FROM machine WHERE is_online = 1")[0][0]
        if int(online) == HOSTS:
            return
        time.sleep(0.2)
    raise Failure("hosts do not come back")


def run(options, folder):
    cluster = Cluster(options.bin, folder, options.servers)
    chance = random.Random(options.first)
    try:
        cluster.start()
        renters = [Renter(cluster, account, options.first) for account in cluster.settle(HOSTS, GPUS, RENTERS)]
        for renter in renters:
            renter.start()
        began, done = time.monotonic(), {}
        for cycle in range(options.first, options.first + options.cycles):
            time.sleep(chance.uniform(0.1, 0.6))
            trouble = chance.choice(TROUBLES)
            try:
                trouble(cluster, chance)
                if cycle % 10 == 0:
                    check_acknowledged(cluster, renters)
            except Failure as failure:
                raise Failure(f"cycle {cycle}, {trouble.__name__}: {failure}") from None
            done[trouble.__name__] = done.get(trouble.__name__, 0) + 1
        lasted = time.monotonic() - began
        converge(cluster)
        time.sleep(2)
        for renter in renters:
            renter.stopping.set()
        for renter in renters:
            renter.join(60)
        check_acknowledged(cluster, renters)
        cluster.check_books()
        answers = sum(renter.answers for renter in renters)
        rentals = sum(len(renter.rented) for renter in renters)
        check(answers > 5 * options.cycles and rentals > 0, f"only {answers} answers, {rentals} rentals")
        print(f"{options.servers} servers, {options.cycles} cycles in {lasted:.0f} s "
              f"({', '.join(f'{name} {count}' for name, count in sorted(done.items()))}): {answers} answers to renters, "
              f"{rentals} rentals, {sum(len(r.destroyed) for r in renters)} destroys")
        print("1 passed, 0 failed")
    finally:
        cluster.stop()


if __name__ == "__main__":
    enter(run, "cluster", cycles=20, first=1)
