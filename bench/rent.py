#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a rental takes, from the renter's PUT to the instance reported running, against the raw
Engine API: create and start of a container of the same image on the same engine, in the same run,
alternating. What a peer has besides the container:

  engine-published    a bridge that is there, and a published port: a container that one can reach
                      from outside, as an instance is by SSH
  engine-own-network  a bridge of its own, made and thrown away with it, as every instance has
  engine-bridge       a bridge that is there
  engine-no-network   no network

rent-to-running is the product as it is: one network made ahead (berth-host run --pool 1), and ready
before each rental. rent-to-running-unpooled makes nothing ahead (--pool 0).

rent-own-share is what is ours: all of the time but what the host's workers spent waiting for answers
of the engine, by their own account in the host's log.
"""

import http.client
import json
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test/e2e"))
from market import Market, check, main, wait_until  # noqa: E402

ROUNDS = 9
OWN_SHARE_LIMIT_MS = 30
POLL_SECONDS = 0.005  # to ask more often takes a core away from the engine that is waited for
BRIDGE = "bench0"


class Raw:
    """What a client of the engine's own API would do."""

    def __init__(self, market):
        self.market = market
        self.ask("POST", "/v1.41/networks/create", network(BRIDGE, "10.222.1"))

    def ask(self, method, path, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        status, reply = self.market.engine(method, path, data)
        check(status < 300, f"{method} {path}: {status} {reply}")
        return json.loads(reply) if reply else None

    def container(self, mode, port=None):
        host = {"Init": True, "NetworkMode": mode}
        spec = {"Image": "bb:1", "Cmd": ["sleep", "1000"], "HostConfig": host}
        if port:
            spec["ExposedPorts"] = {"22/tcp": {}}
            host["PortBindings"] = {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(port)}]}
        name = self.ask("POST", "/v1.41/containers/create", spec)["Id"]
        self.ask("POST", f"/v1.41/containers/{name}/start")
        return name

    def timed(self, peer):
        began = time.monotonic()
        if peer == "engine-own-network":
            self.ask("POST", "/v1.41/networks/create", network("bench1", "10.222.2"))
        name = {"engine-published": lambda: self.container(BRIDGE, 43000),
                "engine-own-network": lambda: self.container("bench1"),
                "engine-bridge": lambda: self.container(BRIDGE),
                "engine-no-network": lambda: self.container("none")}[peer]()
        took = (time.monotonic() - began) * 1000
        self.ask("DELETE", f"/v1.41/containers/{name}?force=1")
        if peer == "engine-own-network":
            self.ask("DELETE", "/v1.41/networks/bench1")
        return took


PEERS = ("engine-published", "engine-own-network", "engine-bridge", "engine-no-network")


def network(name, prefix):
    return {"Name": name, "CheckDuplicate": True,
            "IPAM": {"Config": [{"Subnet": f"{prefix}.0/29", "Gateway": f"{prefix}.1"}]},
            "Options": {"com.docker.network.bridge.name": name}}


def engine_ms(market, number):
    """What the host's workers waited for the engine, on the instance's way to running."""
    pattern = re.compile(rf"instance {number}: (?:prepare|create) in [\d.]+ ms, the engine ([\d.]+) ms")
    found = pattern.findall((market.dir / "host.log").read_text())
    check(len(found) in (1, 2), f"one or two steps to a running instance: {found}")
    return sum(map(float, found))


def ours(market, connection):
    """(time to running, our own share of it), ms"""

    def ask(method, path, body=None):
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Authorization": f"Bearer {market.keys['ada']}", "Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())

    offer = wait_until("an offer", 6, market.offers)[0]["id"]
    began = time.monotonic()
    status, reply = ask("PUT", f"/api/v0/asks/{offer}/", {"image": "bb:1", "disk": 2, "runtype": "ssh"})
    check(status == 200, f"rent: {status} {reply}")
    number = reply["new_contract"]
    while True:
        row = ask("GET", f"/api/v0/instances/{number}/")[1]["instances"]
        if row["actual_status"] == "running":
            break
        check(time.monotonic() - began < 30, f"not running after 30 s: {row['status_msg']}")
        time.sleep(POLL_SECONDS)
    took = (time.monotonic() - began) * 1000
    share = took - engine_ms(market, number)
    market.destroy(number)
    return took, share


def compare(market, raw, pool):
    """Medians: {peer: ms}, ours, our own share."""
    if market.host_options[-1] != str(pool):
        market.stop_host()
        market.host_options = ["--pool", str(pool)]
        market.start_host()
    connection = http.client.HTTPConnection(market.listen)
    peers, times, shares = {peer: [] for peer in PEERS}, [], []
    for number in range(ROUNDS + 1):
        for peer in PEERS:
            peers[peer].append(raw.timed(peer))
        wait_until("the pool is as it should be", 30, lambda: len(market.holders()) == pool and
                   len(market.networks()) == 2 * pool)
        took, share = ours(market, connection)
        times.append(took)
        shares.append(share)
        if number == 0:  # to warm up
            for figures in (times, shares, *peers.values()):
                figures.clear()
    return {peer: statistics.median(figures) for peer, figures in peers.items()}, \
        statistics.median(times), statistics.median(shares)


def report(name, peers, mine):
    for peer, figure in peers.items():
        print(f"RESULT {name} {mine:.1f} ms vs {peer} {figure:.1f} ratio {mine / figure:.3f} better=lower", flush=True)


def run(options):
    with Market(options.bin, credit="1000.00", host_options=["--pool", "0"],
                server_options=["--rate-factor", "0"]) as market:
        market.import_busybox()
        market.list_machine()
        raw = Raw(market)
        peers, mine, _ = compare(market, raw, 0)
        report("rent-to-running-unpooled", peers, mine)
        peers, mine, share = compare(market, raw, 1)
        report("rent-to-running", peers, mine)
        print(f"RESULT rent-own-share {share:.1f} ms vs limit {OWN_SHARE_LIMIT_MS} "
              f"ratio {share / OWN_SHARE_LIMIT_MS:.3f} better=lower")


if __name__ == "__main__":
    main(run)
