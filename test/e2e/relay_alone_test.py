#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A relay that is a process by itself, beside a server on PostgreSQL: a host behind NAT is worked on through it, also while
the server is away and starts anew; and a relay that ended is dialled again when it is back."""

import pathlib
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from market import Market, skip, steps, stop
from nat import DOOR, METRICS, SERVER, main
from patience import check, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from cluster import Postgres, die_with_the_test, postgres_programs  # noqa: E402


ASKING = 4


class Journey:
    def __init__(self, market, store):
        self.market, self.store = market, store
        self.relay = self.id = self.talk = self.visit = None

    def cases(self):
        names = ["it_is_there", "works_through_it", "the_server_is_away", "the_server_is_back", "the_relay_starts_anew",
                 "destroys_it"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def start_relay(self):
        with open(self.market.dir / "relay.log", "ab") as log:
            self.relay = subprocess.Popen(
                [self.market.bin / "berthd", "relay", "--store", self.store, "--relay-ports", "22000-22099", "--relay-listen",
                 f"{SERVER}:{DOOR}", "--relay-host", SERVER, "--metrics-listen", METRICS.split("/")[2]],
                stdout=log, stderr=log, preexec_fn=die_with_the_test)

    def number(self, name):
        """Of the relay's page; None: it is not there."""
        try:
            with urllib.request.urlopen(METRICS, timeout=10) as reply:
                lines = reply.read().decode().splitlines()
        except OSError:
            return None
        return next(int(line.split()[1]) for line in lines if line.startswith(f"berth_relay_{name} "))

    def answers(self):
        """To a command that was made while there was a server to ask for the way."""
        return subprocess.run(self.visit, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False).returncode == 0

    def says(self, word):
        """The session that has been open all the time."""
        self.talk.stdin.write(f"{word}\n")
        self.talk.stdin.flush()
        check(self.talk.stdout.readline() == f"{word}\n", f"the session says {word}")

    def it_is_there(self):
        """No host dials before it is needed."""
        self.market.list_machine()
        self.start_relay()
        wait_until("the relay has numbers", 20, lambda: self.number("agents") == 0)

    def works_through_it(self):
        market = self.market
        offer = wait_until("an offer", 10, market.offers)[0]
        self.id = market.rent(offer["id"], "bb:1", runtype="ssh_proxy")
        row = market.wait_running(self.id)
        check((row["ssh_host"], 22000 <= row["ssh_port"] <= 22099) == (SERVER, True), f"through the relay: {row['ssh_host']}")
        self.visit = market.ssh_command(self.id, "true")
        wait_until("SSH answers", 20, self.answers)
        self.talk = subprocess.Popen(market.ssh_command(self.id, "while read line; do echo $line; done"), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True, preexec_fn=die_with_the_test)
        self.says("before")
        wait_until("it counts", 10, lambda: self.number("calls") == 1 and self.number("served_total") >= 1)

    def the_server_is_away(self):
        """Nobody needs it to work on: neither who is in already, nor who comes."""
        self.market.kill("server")
        self.says("during")
        wait_until("SSH answers without a server", 10, self.answers)

    def the_server_is_back(self):
        self.market.restart_server()
        self.says("after")
        self.market.wait_running(self.id, 90)
        check(self.answers(), "SSH answers")
        check(self.number("agents") == 1, "the host has not had to dial anew")

    def the_relay_starts_anew(self):
        self.relay.kill()
        self.relay.wait()
        check(self.talk.wait(60) != 0, "the session ends")
        self.start_relay()
        wait_until("the host has dialled again", 90, lambda: self.number("agents") == 1)
        wait_until("SSH answers again", 30, self.answers)

    def destroys_it(self):
        """And the relay ends when told to, whoever asks for its numbers meanwhile."""
        self.market.destroy(self.id)
        asked = [0] * ASKING

        def ask(one):
            while self.number("agents") is not None:
                asked[one] += 1

        with ThreadPoolExecutor(ASKING) as pool:
            for one in range(ASKING):
                pool.submit(ask, one)
            try:
                wait_until("all ask", 10, lambda: all(asked))
            finally:
                stop(self.relay)
        check(self.relay.returncode == 0, f"the relay ends when told to: {self.relay.returncode}")


def run(options, topology):
    if postgres_programs() is None:
        skip("PostgreSQL is needed")
    with tempfile.TemporaryDirectory(prefix="berth-relay-") as name:
        postgres = Postgres(pathlib.Path(name))
        postgres.start()
        try:
            postgres.run("createdb", "-h", postgres.folder, "-p", str(postgres.port), "-U", "berth", "berth")
            store = f"postgres://berth@127.0.0.1:{postgres.port}/berth"
            with Market(options.bin, store=store, listen=f"{SERVER}:18080", host_prefix=topology.enter("host"),
                        public_ip=None) as market:
                market.import_busybox()
                journey = Journey(market, store)
                try:
                    steps(journey.cases())
                finally:
                    stop(journey.relay)
                market.check_books()
        finally:
            postgres.kill()


if __name__ == "__main__":
    main(run)
