#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a rental takes, from the renter's PUT to the instance reported running, against the raw
Engine API: create and start of the same image on the same engine, in the same run, alternating.

rent-own-share is what is ours: from the PUT to the moment the engine noted the container's creation,
and from its start, as the engine noted it, to the report; the engine's own work in between is not
counted. The engine's clock and ours are the same.
"""

import datetime
import http.client
import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test/e2e"))
from market import Market, check, main, wait_until  # noqa: E402

ROUNDS = 9
OWN_SHARE_LIMIT_MS = 30


def raw(market, number):
    """Create and start, as the engine's own API does it: its bridge, one published port."""
    spec = {"Image": "bb:1", "Cmd": ["sleep", "1000"], "ExposedPorts": {"22/tcp": {}},
            "HostConfig": {"Init": True, "PortBindings": {"22/tcp": [{"HostPort": str(43000 + number)}]}}}
    began = time.monotonic()
    status, body = market.engine("POST", "/v1.41/containers/create", json.dumps(spec).encode())
    check(status == 201, f"create: {status} {body}")
    name = json.loads(body)["Id"]
    status, body = market.engine("POST", f"/v1.41/containers/{name}/start")
    took = time.monotonic() - began
    check(status == 204, f"start: {status} {body}")
    market.engine("DELETE", f"/v1.41/containers/{name}?force=1")
    return took * 1000


def instant(text):
    """The engine's timestamp, to the microsecond."""
    head, _, fraction = text.rstrip("Z").partition(".")
    whole = datetime.datetime.fromisoformat(head).replace(tzinfo=datetime.timezone.utc)
    return whole.timestamp() + float("0." + (fraction or "0")[:6])


def ours(market, connection):
    def ask(method, path, body=None):
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Authorization": f"Bearer {market.keys['ada']}", "Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())

    offer = wait_until("an offer", 6, market.offers)[0]["id"]
    began_wall, began = time.time(), time.monotonic()
    status, reply = ask("PUT", f"/api/v0/asks/{offer}/", {"image": "bb:1", "disk": 2, "runtype": "ssh"})
    check(status == 200, f"rent: {status} {reply}")
    number = reply["new_contract"]
    while True:
        row = ask("GET", f"/api/v0/instances/{number}/")[1]["instances"]
        if row["actual_status"] == "running":
            break
        check(time.monotonic() - began < 30, f"not running after 30 s: {row['status_msg']}")
        time.sleep(0.002)
    took, ended_wall = (time.monotonic() - began) * 1000, time.time()
    container = next(c for c in market.containers() if c["Labels"]["berth.instance"] == str(number))
    details = json.loads(market.engine("GET", f"/v1.41/containers/{container['Id']}/json")[1])
    share = (instant(details["Created"]) - began_wall + ended_wall - instant(details["State"]["StartedAt"])) * 1000
    market.destroy(number)
    return took, share


def run(options):
    with Market(options.bin, credit="1000.00") as market:
        market.import_busybox()
        market.list_machine()
        connection = http.client.HTTPConnection(market.listen)
        ours(market, connection), raw(market, 0)
        peers, times, shares = [], [], []
        for number in range(1, ROUNDS + 1):
            peers.append(raw(market, number))
            took, share = ours(market, connection)
            times.append(took)
            shares.append(share)
        peer, mine, share = map(statistics.median, (peers, times, shares))
        print(f"RESULT rent-to-running {mine:.1f} ms vs engine-create-start {peer:.1f} ratio {mine / peer:.3f} better=lower")
        print(f"RESULT rent-own-share {share:.1f} ms vs limit {OWN_SHARE_LIMIT_MS} ratio {share / OWN_SHARE_LIMIT_MS:.3f} better=lower")


if __name__ == "__main__":
    main(run)
