#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a rental takes, from the renter's PUT to the event that the instance runs, against the raw
Engine API: create and start of a container of the same image on the same engine, in the same run,
alternating, each after a rest: the engine is still busy with what was thrown away before when it has
said that it is gone, and who came next would pay for it. What a peer has besides the container:

  engine-same         what an instance is, step by step: a bridge of its own, and the container that berth-host
                      has the engine make, with its limits, walls against the kernel and entrypoint
  engine-published    a bridge that is there, and a published port: a container that one can reach
                      from outside, as an instance is by SSH
  engine-own-network  a bridge of its own, made and thrown away with it, as every instance has
  engine-bridge       a bridge that is there
  engine-no-network   no network

rent-to-running is the product as it is: one network made ahead (berth-host run --pool 1), and ready
before each rental. rent-to-running-unpooled makes nothing ahead (--pool 0).

rent-own-share is what is ours: all of the time but what the host's workers spent waiting for answers
of the engine, by their own account in the host's log. host-idle-rss is the resident memory of berth-host
before the first rental.
"""

import http.client
import json
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test/e2e"))
from market import Market, main  # noqa: E402
from patience import check, wait_until  # noqa: E402

ROUNDS, REST_S = 9, 1
OWN_SHARE_LIMIT_MS = 30
HOST_RSS_LIMIT_MB = 20
BRIDGE = "bench0"
SAME_CONFIG = ("Image", "Env", "Entrypoint", "Hostname", "StopTimeout")
SAME_HOST = ("Init", "CapDrop", "CapAdd", "SecurityOpt", "Dns", "Binds", "NanoCpus", "Memory", "MemorySwap", "PidsLimit",
             "ShmSize", "LogConfig", "RestartPolicy")


class Raw:
    """What a client of the engine's own API would do."""

    def __init__(self, market):
        self.market, self.instance = market, None
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

    def same(self):
        """A container like an instance's, from what the engine says of one."""
        spec = {**self.instance, "HostConfig": {**self.instance["HostConfig"], "NetworkMode": "bench1"}}
        name = self.ask("POST", "/v1.41/containers/create", spec)["Id"]
        self.ask("POST", f"/v1.41/containers/{name}/start")
        return name

    def take_after(self, number):
        """Remember how berth-host had the container of that instance made."""
        container, = (c["Id"] for c in self.market.containers() if c["Labels"]["berth.instance"] == str(number))
        seen = self.ask("GET", f"/v1.41/containers/{container}/json")
        host = {key: seen["HostConfig"][key] for key in SAME_HOST if seen["HostConfig"].get(key)}
        labels = {"bench": "1"}  # an instance's own would have berth-host take it for one
        self.instance = {**{key: seen["Config"][key] for key in SAME_CONFIG}, "Labels": labels, "HostConfig": host}

    def timed(self, peer):
        began = time.monotonic()
        if peer in OWN_NETWORK:
            self.ask("POST", "/v1.41/networks/create", network("bench1", "10.222.2"))
        name = {"engine-same": self.same,
                "engine-published": lambda: self.container(BRIDGE, 43000),
                "engine-own-network": lambda: self.container("bench1"),
                "engine-bridge": lambda: self.container(BRIDGE),
                "engine-no-network": lambda: self.container("none")}[peer]()
        took = (time.monotonic() - began) * 1000
        self.ask("DELETE", f"/v1.41/containers/{name}?force=1")
        if peer in OWN_NETWORK:
            self.ask("DELETE", "/v1.41/networks/bench1")
        return took


class Watch:
    """A renter's live events: to ask again and again would take a core away from the engine that is waited for."""

    def __init__(self, market, user):
        host, port = market.listen.split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self.connection.request("GET", "/api/v0/events/", headers={"Authorization": f"Bearer {market.keys[user]}"})
        self.lines = self.connection.getresponse()
        self.next()

    def next(self):
        """(name, data) of the next event."""
        name = None
        while True:
            line = self.lines.readline().decode().strip()
            check(not self.lines.isclosed(), "the events ended")
            if line.startswith("event: "):
                name = line[len("event: "):]
            elif line.startswith("data: "):
                return name, json.loads(line[len("data: "):])

    def until_running(self, number):
        while True:
            name, data = self.next()
            if name == "instance" and data["id"] == number and data["actual_status"] == "running":
                return


OWN_NETWORK = ("engine-same", "engine-own-network")
PEERS = ("engine-same", "engine-published", "engine-own-network", "engine-bridge", "engine-no-network")


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


def ours(raw, connection, watch):
    """(time to running, our own share of it), ms"""
    market = raw.market

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
    watch.until_running(number)
    took = (time.monotonic() - began) * 1000
    share = took - engine_ms(market, number)
    if raw.instance is None:
        raw.take_after(number)
    market.destroy(number)
    return took, share


def compare(market, raw, pool):
    """Medians: {peer: ms}, ours, our own share."""
    if market.host_options[-1] != str(pool):
        market.stop_host()
        market.host_options = ["--pool", str(pool)]
        market.start_host()
    connection, watch = http.client.HTTPConnection(market.listen), Watch(market, "ada")
    peers, times, shares = {peer: [] for peer in PEERS}, [], []
    for number in range(ROUNDS + 1):
        if raw.instance is None:
            ours(raw, connection, watch)
        # Each in every place.
        for peer in PEERS[number % len(PEERS):] + PEERS[:number % len(PEERS)]:
            time.sleep(REST_S)
            peers[peer].append(raw.timed(peer))
        wait_until("the pool is as it should be", 30, lambda: len(market.holders()) == pool and
                   len(market.networks()) == 2 * pool)
        time.sleep(REST_S)
        took, share = ours(raw, connection, watch)
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


def rss_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def run(options):
    with Market(options.bin, credit="1000.00", host_options=["--pool", "0"],
                server_options=["--rate-factor", "0"]) as market:
        market.import_busybox()
        market.list_machine()
        size = rss_mb(market.host.pid)
        print(f"RESULT host-idle-rss {size:.1f} MB vs limit {HOST_RSS_LIMIT_MB} "
              f"ratio {size / HOST_RSS_LIMIT_MB:.2f} better=lower", flush=True)
        raw = Raw(market)
        peers, mine, _ = compare(market, raw, 0)
        report("rent-to-running-unpooled", peers, mine)
        peers, mine, share = compare(market, raw, 1)
        report("rent-to-running", peers, mine)
        print(f"RESULT rent-own-share {share:.1f} ms vs limit {OWN_SHARE_LIMIT_MS} "
              f"ratio {share / OWN_SHARE_LIMIT_MS:.3f} better=lower")


if __name__ == "__main__":
    main(run)
