#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of berthd, berth-host and dockerd, each at random moments of the journey.

After every kill the part is started again (the host restarts its engine itself), the journey goes on
to its end, and then: berthd's books check out, no container is left, nothing is charged any more, and
the file that was written into the instance was intact at every look.

    torture.py --kills 20 --from 1     20 kills of each part, seeds 1, 2, ...
"""

import random
import sys
import threading
import time

from market import Market, main, steps
from patience import Failure, check, wait_until

JOURNEY_SECONDS = 9.0


class Tortured:
    def __init__(self, market, who, seed):
        self.market = market
        self.who = who
        self.random = random.Random(f"{who} {seed}")
        self.killed = threading.Event()
        self.trouble = []

    def killer(self, delay):
        time.sleep(delay)
        try:
            self.market.kill(self.who)
            time.sleep(self.random.uniform(0, 1.5))
            if self.who == "server":
                self.market.start_server()
            elif self.who == "host":
                self.market.start_host()
        except (Failure, OSError, ValueError) as failure:
            self.trouble.append(f"restarting the {self.who}: {failure}")
        finally:
            self.killed.set()

    def patiently(self, what, action, seconds=60):
        """What a person would do: try again until it works."""
        last = [None]

        def probe():
            try:
                return action() or True
            except (Failure, OSError, ValueError) as failure:
                last[0] = failure
                return None

        try:
            return wait_until(what, seconds, probe, 0.2)
        except Failure as failure:
            raise Failure(f"{failure}; last: {last[0]}") from None

    def rent(self):
        """Renting may have worked although the answer was lost: look before renting again."""
        _, reply = self.market.api("GET", "/api/v0/instances?owner=me")
        if reply["instances"]:
            return reply["instances"][0]["id"]
        return self.market.rent(self.market.offers()[0]["id"], "bb:1")

    def journey(self):
        market = self.market
        number = self.patiently("rented", self.rent)
        self.patiently("running", lambda: market.wait_running(number, 20))
        self.patiently("written", lambda: market.ssh(number, "echo precious > /root/file; sync"))
        self.patiently("stop", lambda: ok(market.api("PUT", f"/api/v0/instances/{number}/", {"state": "stopped"})))
        self.patiently("stopped", lambda: stopped(market.instance(number)))
        self.patiently("start", lambda: ok(market.api("PUT", f"/api/v0/instances/{number}/", {"state": "running"})))
        self.patiently("running again", lambda: market.wait_running(number, 20))
        self.patiently("the file", lambda: self.intact(number))
        check(self.killed.wait(30), "the kill came")
        self.patiently("the file after the kill", lambda: self.intact(number))
        self.patiently("destroyed", lambda: destroy(market, number))
        return number

    def intact(self, number):
        done = self.market.ssh(number, "cat /root/file", ok=False)
        check(done.returncode == 0, f"ssh: {done.stderr}")
        if done.stdout != "precious\n":
            self.trouble.append(f"the file holds {done.stdout!r}")
        return True

    def run(self):
        market = self.market
        self.patiently("an offer", lambda: check(market.offers(), "an offer") or True)
        thread = threading.Thread(target=self.killer, args=(self.random.uniform(0, JOURNEY_SECONDS),))
        thread.start()
        try:
            number = self.journey()
        finally:
            thread.join()
        wait_until("no orphan container", 60, lambda: no_containers(market), 0.5)
        market.wait_pool(60)
        spent = charged(market, number)
        time.sleep(1)
        check(charged(market, number) == spent, "nothing is charged after the end")
        check(not self.trouble, "; ".join(self.trouble))
        market.check_books()


def ok(answer):
    status, reply = answer
    check(status == 200 and reply["success"], f"{status} {reply}")
    return True


def stopped(row):
    check(row["actual_status"] in ("stopped", "exited"), f"it is {row['actual_status']}")
    return True


def destroy(market, number):
    status, reply = market.api("DELETE", f"/api/v0/instances/{number}/", {})
    check((status == 200 and reply["success"]) or reply.get("error") == "no_such_instance", f"{status} {reply}")
    return True


def no_containers(market):
    try:
        return market.containers() == []
    except OSError:
        return False


def charged(market, number):
    return market.sql("SELECT sum(gross_posted), max(posted_total) FROM meter WHERE instance_id = ?", number)


def run(options):
    with Market(options.bin, credit="1000.00") as market:
        market.import_busybox()
        market.list_machine()
        cases = []
        for seed in range(options.first, options.first + options.kills):
            for who in ("server", "host", "engine"):
                cases.append((f"kill -9 of the {who}, seed {seed}", Tortured(market, who, seed).run))
        steps(cases)


def arguments(parser):
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--from", type=int, default=1, dest="first")


if __name__ == "__main__":
    sys.exit(main(run, arguments))
