#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long it takes to be outbid: from the PUT of the higher bid to the loser's processes gone and the
winner reported running, without time of grace, against the Engine API on the same engine in the same
run, alternating:

  engine-kill-create-start  kill a container that has a bridge and a published port, wait for its end,
                            create and start another one like it: what was there to be done
  engine-kill-wait-start    the same with the other one created before

A bid that has just begun to run is left alone for a minute, so all GPUs of a simulated machine are taken
by low bids first; then higher ones come, one after another, each behind a bid that has to wait and is taken
back: a market is in use. One network is made ahead, and ready before each round. preempt-own-share is all of
the time but what the host's workers spent waiting for the engine, by their own account, to kill the loser and
to make the winner.
"""

import http.client
import json
import pathlib
import re
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test/e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from market import Market, main  # noqa: E402
from patience import check, wait_until  # noqa: E402
from rent import BRIDGE, OWN_SHARE_LIMIT_MS, Raw, Watch  # noqa: E402

ROUNDS = 8
MINIMUM_RUN_S = 61
PEERS = ("engine-kill-create-start", "engine-kill-wait-start")


class Peer(Raw):
    def create(self, port):
        spec = {"Image": "bb:1", "Cmd": ["sleep", "1000"], "ExposedPorts": {"22/tcp": {}},
                "HostConfig": {"Init": True, "NetworkMode": BRIDGE,
                               "PortBindings": {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(port)}]}}}
        return self.ask("POST", "/v1.41/containers/create", spec)["Id"]

    def start(self, name):
        self.ask("POST", f"/v1.41/containers/{name}/start")
        return name

    def timed(self, peer):
        loser = self.start(self.create(43000))
        winner = self.create(43001) if peer == "engine-kill-wait-start" else None
        began = time.monotonic()
        self.ask("POST", f"/v1.41/containers/{loser}/kill")
        self.ask("POST", f"/v1.41/containers/{loser}/wait")
        winner = self.start(winner or self.create(43001))
        took = (time.monotonic() - began) * 1000
        for name in (loser, winner):
            self.ask("DELETE", f"/v1.41/containers/{name}?force=1")
        return took


def engine_ms(market, loser, winner):
    log = (market.dir / "host.log").read_text()
    spent = [re.findall(rf"instance {number}: {step} in [\d.]+ ms, the engine ([\d.]+) ms", log)
             for number, step in ((loser, "(?:kill|stop)"), (winner, "create"))]
    check(all(spent), f"the loser was killed and the winner made: {spent}")
    return sum(float(times[-1]) for times in spent)


class Bidders:
    def __init__(self, market):
        self.market = market
        self.connection = http.client.HTTPConnection(market.listen)
        self.watches = {user: Watch(market, user) for user in ("ada", "bo")}

    def ask(self, user, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.market.keys[user]}", "Content-Type": "application/json"}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = self.connection.getresponse()
        return reply.status, json.loads(reply.read())

    def bid(self, user, offer, price):
        status, reply = self.ask(user, "PUT", f"/api/v0/asks/{offer}/",
                                 {"image": "bb:1", "disk": 2, "runtype": "ssh", "price": price, "grace": 0})
        check(status == 200, f"bid: {status} {reply}")
        return reply["new_contract"]

    def offer(self, user):
        """What there is to bid for; that somebody runs there does not hide it."""
        search = self.market.berth("search", "offers", "num_gpus=1", "--type", "bid", "--raw", user=user)
        found = json.loads(search.stdout)
        return found[0]["id"] if found else None

    def running(self):
        return {c["Labels"]["berth.instance"] for c in self.market.containers() if c["State"] == "running"}

    def start(self, user, price):
        """Bid, and wait until it runs; how long that took, in ms."""
        offer = wait_until("an offer", 10, lambda: self.offer(user))
        began = time.monotonic()
        number = self.bid(user, offer, price)
        self.watches[user].until_running(number)
        return number, (time.monotonic() - began) * 1000

    def stir(self):
        """A bid that has to wait, and is taken back: a server that has slept for a minute is read from disk again."""
        number = self.bid("bo", wait_until("an offer", 10, lambda: self.offer("bo")), 0.20)
        status, reply = self.ask("bo", "DELETE", f"/api/v0/instances/{number}/", {})
        check(status == 200, f"destroy: {status} {reply}")

    def timed(self):
        """(ms, our own share of it)"""
        self.stir()
        before = self.running()
        winner, took = self.start("bo", 0.30)
        after = self.running()
        check(len(after) == len(before), f"one is gone for one: {before} {after}")
        loser, = before - after
        return took, took - engine_ms(self.market, loser, winner)


def run(options):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as gpus:
        gpus.write(f"RTX 4090, 24564, {ROUNDS}\n")
        gpus.flush()
        with Market(options.bin, credit="1000.00", simulate_gpus=gpus.name,
                    server_options=["--rate-factor", "0"]) as market:
            market.import_busybox()
            market.list_machine()
            peer, bidders = Peer(market), Bidders(market)
            peers, times, shares = {name: [] for name in PEERS}, [], []
            for number in range(ROUNDS):
                bidders.start("ada", 0.20)
            time.sleep(MINIMUM_RUN_S)
            for number in range(ROUNDS):
                for name in PEERS:
                    peers[name].append(peer.timed(name))
                market.wait_ready()
                took, share = bidders.timed()
                times.append(took)
                shares.append(share)
                if number == 0:  # to warm up
                    for figures in (times, shares, *peers.values()):
                        figures.clear()
    mine, share = statistics.median(times), statistics.median(shares)
    for name in PEERS:
        figure = statistics.median(peers[name])
        print(f"RESULT preempt {mine:.1f} ms vs {name} {figure:.1f} ratio {mine / figure:.3f} better=lower")
    print(f"RESULT preempt-own-share {share:.1f} ms vs limit {OWN_SHARE_LIMIT_MS} "
          f"ratio {share / OWN_SHARE_LIMIT_MS:.3f} better=lower")


if __name__ == "__main__":
    main(run)
