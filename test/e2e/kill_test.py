#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of berthd, again and again, under everything at once.

Simulated hosts beat, renters rent, stop, start, label and destroy, operators grant credit. Everybody
notes down what was acknowledged, and an observer notes down journals that it has seen committed. At a
random moment berthd is killed. Then `berthd check` must be clean, berthd must answer again within two
seconds (or --restart, where the machine does much else), and what was acknowledged must be there, once:
instances, destroys, grants, journals.

    kill_test.py --bin build/bin --kills 20 --from 1
"""

import argparse
import ctypes
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from client import call
from patience import Failure, check, wait_until
from ports import free_port

RENTERS, HOSTS, GPUS = 6, 3, 4
PR_SET_PDEATHSIG = 1


def die_with_the_test():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Market:
    def __init__(self, binaries, folder):
        self.bin, self.dir, self.data = binaries, folder, folder / "data"
        self.port = free_port()
        self.log = open(folder / "log", "a")
        self.hosts, self.server = [], None

    def computed(self):
        """For how long the server has been on a processor, whatever else the machine does."""
        fields = pathlib.Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def start(self, patience=30):
        """How long it took until the first answer, and how much of that the server itself computed."""
        began = time.monotonic()
        self.server = subprocess.Popen(
            [self.bin / "berthd", "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
             "--auto-verify", "--allow-simulated"], stderr=self.log, stdout=self.log, preexec_fn=die_with_the_test)
        while True:
            try:
                if self.call("GET", "/healthz")[0] == 200:
                    return time.monotonic() - began, self.computed()
            except OSError:
                pass
            check(self.server.poll() is None, f"berthd ended with {self.server.returncode}")
            check(time.monotonic() - began < max(30, patience), "berthd does not answer")
            time.sleep(0.005)

    def kill(self):
        self.server.kill()
        self.server.wait()

    def stop(self):
        for process in [*self.hosts, self.server]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self.log.close()

    def call(self, method, path, body=None, key=None, source="127.0.0.1"):
        return call(self.port, method, path, body, key, source, timeout=20)

    def admin(self, *words):
        done = subprocess.run([self.bin / "berthd", "admin", "--data", self.data, *words], capture_output=True,
                              text=True, timeout=3600, check=False)
        check(done.returncode == 0, f"admin {' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def check_books(self):
        done = subprocess.run([self.bin / "berthd", "check", "--data", self.data], capture_output=True, text=True,
                              timeout=3600, check=False)
        check(done.returncode == 0, f"check: {done.stdout}{done.stderr}")

    def query(self, sql, *values):
        # isolation_level None: each statement sees what is committed, and holds nothing open.
        with sqlite3.connect(f"file:{self.data}/berth.sqlite?mode=ro", uri=True, timeout=10,
                             isolation_level=None) as database:
            return database.execute(sql, values).fetchall()

    def execute(self, sql, *values):
        """What takes days is told to have been."""
        with sqlite3.connect(f"{self.data}/berth.sqlite", timeout=10) as database:
            database.execute(sql, values)

    def online(self):
        return self.query("SELECT id FROM machine WHERE is_online = 1")

    def settle(self):
        """Hosts with listed machines, renters with more than they can spend."""
        host = self.admin("user", "create", "--email", "host@localhost")
        for number in range(HOSTS):
            token = self.call("POST", "/api/v0/machines/enroll_token/", {}, host["api_key"])[1]["token"]
            self.hosts.append(subprocess.Popen(
                [self.bin / "sim-host", "--server", f"http://127.0.0.1:{self.port}", "--token", token,
                 "--gpus", str(GPUS)], stderr=self.log, preexec_fn=die_with_the_test))
        wait_until("the hosts are there", 30, lambda: len(self.online()) == HOSTS)
        for (machine,) in self.online():
            status, reply = self.call("PUT", "/api/v0/machines/create_asks/", {
                "machine": machine, "price_gpu": 900, "price_disk": 900, "min_chunk": 1}, host["api_key"])
            check(status == 200, f"listed: {status} {reply}")
        return [self.admin("user", "create", "--email", f"renter{i}@localhost", "--credit", "1000000.00")
                for i in range(RENTERS)]


class Renter(threading.Thread):
    """Does what renters do, and remembers what it was told."""

    def __init__(self, market, account, seed):
        super().__init__(daemon=True)
        self.market, self.account = market, account
        self.random = random.Random(f"{seed} {account['id']}")
        self.source = f"127.7.0.{account['id']}"
        self.stopping = threading.Event()
        self.rented, self.destroyed, self.tried = {}, set(), set()
        self.answers = 0
        self.trouble = None

    def ask(self, method, path, body=None):
        reply = self.market.call(method, path, body, self.account["api_key"], self.source)
        self.answers += 1
        return reply

    def rent(self):
        status, reply = self.ask("GET", "/api/v0/bundles/")
        offers = reply["offers"] if status == 200 else []
        if not offers:
            return self.look()
        label = secrets.token_hex(8)
        self.tried.add(label)
        offer = self.random.choice(offers)["id"]
        status, reply = self.ask("PUT", f"/api/v0/asks/{offer}/", {"image": "bb:1", "disk": 10, "label": label})
        if status == 200:
            self.rented[reply["new_contract"]] = label
        return None

    def look(self):
        """What was rented although the answer was lost is found here, or it would hold its GPU for ever."""
        status, reply = self.ask("GET", "/api/v0/instances?owner=me")
        for row in reply["instances"] if status == 200 else []:
            if row["label"] in self.tried:
                self.rented.setdefault(row["id"], row["label"])

    def live(self):
        return [number for number in self.rented if number not in self.destroyed]

    def step(self):
        mine = self.live()
        choice = self.random.random()
        if not mine or (choice < 0.3 and len(mine) < 4):
            return self.rent()
        number = self.random.choice(mine)
        if choice < 0.55:
            self.ask("PUT", f"/api/v0/instances/{number}/", {"state": "stopped"})
        elif choice < 0.8:
            self.ask("PUT", f"/api/v0/instances/{number}/", {"state": "running"})
        elif choice < 0.9:
            self.look()
        else:
            status, reply = self.ask("DELETE", f"/api/v0/instances/{number}/", {})
            if status == 200 or (reply or {}).get("error") == "no_such_instance":
                self.destroyed.add(number)
        return None

    def run(self):
        while not self.stopping.is_set():
            try:
                self.step()
            except OSError:
                time.sleep(0.02)
            except Exception as failure:  # whatever it is, the test must hear of it
                self.trouble = f"{failure!r}"
                return


class Operator(threading.Thread):
    """Grants credit from the command line, each ticket twice, and looks at what is committed."""

    def __init__(self, market, accounts):
        super().__init__(daemon=True)
        self.market, self.accounts = market, accounts
        self.stopping = threading.Event()
        self.tickets, self.journals = set(), {}
        self.trouble = None

    def run(self):
        while not self.stopping.is_set():
            try:
                ticket = secrets.token_hex(6)
                for _ in range(2):
                    self.market.admin("credit", "grant", "--user", str(random.choice(self.accounts[:1])["id"]),
                                      "--amount", "0.01", "--ticket", ticket)
                self.tickets.add(ticket)
                for number, key, body in self.market.query(
                        "SELECT id, idem_key, body_hash FROM journal ORDER BY id DESC LIMIT 50"):
                    self.journals[number] = (key, body)
            except sqlite3.OperationalError:
                pass
            except Exception as failure:
                self.trouble = f"{failure!r}"
                return
            self.stopping.wait(0.05)


def check_acknowledged(market, renters, operator):
    # The operator goes on meanwhile: what counts is what was known before we look.
    tickets, seen_journals = list(operator.tickets), dict(operator.journals)
    labels = dict(market.query("SELECT label, count(*) FROM contract WHERE label IS NOT NULL GROUP BY label"))
    ended = {number for (number,) in market.query("SELECT id FROM contract WHERE destroyed_us > 0")}
    keys = dict(market.query("SELECT idem_key, count(*) FROM journal GROUP BY idem_key"))
    journals = {number: (key, body) for number, key, body in market.query("SELECT id, idem_key, body_hash FROM journal")}
    for renter in renters:
        check(renter.trouble is None, f"a renter: {renter.trouble}")
        for number, label in list(renter.rented.items()):
            check(labels.get(label) == 1, f"instance {number} is there {labels.get(label, 0)} times")
        for label in list(renter.tried):
            check(labels.get(label, 0) <= 1, f"label {label} is there {labels.get(label)} times")
        lost = set(renter.destroyed) - ended
        check(not lost, f"destroyed, and there again: {lost}")
    check(operator.trouble is None, f"an operator: {operator.trouble}")
    for ticket in tickets:
        check(keys.get(f"adj:{ticket}") == 1, f"grant {ticket} is there {keys.get(f'adj:{ticket}', 0)} times")
    for number, seen in seen_journals.items():
        check(journals.get(number) == seen, f"journal {number} was {seen}, and is {journals.get(number)}")
    return len(journals)


def run(options, folder):
    market = Market(options.bin, folder)
    chance = random.Random(options.first)
    try:
        market.start()
        accounts = market.settle()
        renters = [Renter(market, account, options.first) for account in accounts]
        operator = Operator(market, accounts)
        for thread in [*renters, operator]:
            thread.start()
        restarts, journals, began = [], 0, time.monotonic()
        for kill in range(options.first, options.first + options.kills):
            time.sleep(chance.uniform(0.1, 1.0))
            market.kill()
            try:
                market.check_books()
                journals = check_acknowledged(market, renters, operator)
                restarts.append(market.start(options.restart))
                check(restarts[-1][0] <= options.restart, f"the restart took {restarts[-1][0]:.2f} s, of which the "
                      f"server computed {restarts[-1][1]:.2f} s")
            except Failure as failure:
                raise Failure(f"after kill {kill}: {failure}") from None
        for thread in [*renters, operator]:
            thread.stopping.set()
        for thread in [*renters, operator]:
            thread.join(40)
        market.check_books()  # on the live database
        journals = check_acknowledged(market, renters, operator)
        answers = sum(renter.answers for renter in renters)
        rentals = sum(len(renter.rented) for renter in renters)
        check(answers > 10 * options.kills and 2 * rentals > options.kills, f"only {answers} answers, {rentals} rentals")
        took, computed = sorted(t for t, _ in restarts), max(c for _, c in restarts)
        print(f"{options.kills} kills in {time.monotonic() - began:.0f} s: {answers} answers to renters, "
              f"{rentals} rentals, {sum(len(r.destroyed) for r in renters)} destroys, "
              f"{len(operator.tickets)} grants, {len(operator.journals)} of {journals} journals looked at; "
              f"restarts of {took[len(took) // 2]:.2f} s (median), {took[len(took) * 99 // 100]:.2f} s (99 of 100), "
              f"{took[-1]:.2f} s (longest; {sum(t > 2 for t in took)} over 2 s), in which the server computed for "
              f"{computed:.2f} s at most")
        print("1 passed, 0 failed")
    finally:
        market.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--restart", type=float, default=2.0, help="seconds until it must answer again")
    parser.add_argument("--keep", action="store_true", help="leave the data of a failure where it is")
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-kill-"))
    try:
        run(options, folder)
    except Failure as failure:
        print((folder / "log").read_text()[-4000:], file=sys.stderr)
        if options.keep:
            sys.exit(f"FAILED: {failure}; see {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(f"FAILED: {failure}")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
