#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The five pages that people look at most, in both colours and at two widths, beside how they looked: where each thing is, how
large, and in which colours. It needs no server: what the market says is looks/market.json, and its clock stands still. Text is
set in a font of boxes (boxfont.py), so that the fonts of a machine make no difference.

    looks_test.py --web build/web            fails where a page looks otherwise: build/console/looks/ has pictures of what differs
    looks_test.py --web build/web --keep     it is meant to: what is seen now is kept in looks/, to be landed with the change
    looks_test.py --bin build/bin --record   the market's answers anew, from a real one, where the API has changed
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE / "looks/market.json"
OUT = ROOT / "build/console/looks"
SKIP = 77
PASSWORD = "correct horse battery"
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT / "test/api"))

FLEET = [("RTX 4090", 24564, 8, 0.42, 2000, "Gothenburg, SE"), ("H100 SXM", 81559, 2, 2.35, 10000, "Oregon, US"), ("RTX 5090", 32607, 1, 0.62, 1200, "Sydney, AU")]
OWN = [("RTX 3090", 24576, 4, 0.21, 900, "Warsaw, PL"), ("A100 SXM4", 81920, 8, 1.15, 8000, "Reykjavik, IS")]
DAY_S = 86400
WEEK = 7 * DAY_S


def dress(data):
    """A market of some seconds has no past: what it would have after a month, in the shape that it has."""
    now, told = data["now"] // 1000, data["told"]
    instances = told["GET /api/v0/instances/"]["instances"]
    first = instances[0]
    first |= {"gpu_util": 87.0, "gpu_temp": 71.0, "cpu_util": 0.34, "mem_usage": 21.5, "disk_usage": 7.25, "vmem_usage": 18.2, "charged": 12.345678901}
    stopped = first | {"id": first["id"] + 1, "label": "night run", "actual_status": "exited", "intended_status": "stopped", "cur_state": "stopped", "gpu_util": None, "status_msg": ""}
    outbid = first | {"id": first["id"] + 2, "is_bid": True, "actual_status": "exited", "intended_status": "running", "cur_state": "stopped", "min_bid": first["dph_base"] * 1.25,
                      "stop_reason": "outbid", "stop_message": "Outbid at $0.231 by a bid for two GPUs.", "queue_position": 2, "queue_length": 3}
    told["GET /api/v0/instances/"]["instances"] = [first, stopped, outbid]
    data["balance"] = {"credit": 87.654321, "balance": 0, "burn_hour": first["dph_total"] + 2 * first["storage_total_cost"]}
    path = next(path for path in told if path.endswith("/machine-earnings/"))
    earned, today = told[path], now // DAY_S
    earned["per_day"] = [{"day": today - 29 + i, "gpu_earn": 6 + 3 * (i % 5), "sto_earn": 0.8, "bwu_earn": 0.3 * (i % 3), "bwd_earn": 0.1} for i in range(30)]
    cut = (today - 3) // 7 * WEEK + DAY_S  # Fridays
    week = {"id": 2, "amount": 71.52, "state": "failed", "provider": "manual", "reference": None, "reason": "the bank refused it", "cut": cut, "expected": cut + 4 * DAY_S, "paid_at": None, "late": True}
    paid = week | {"id": 1, "amount": 64.11, "state": "paid", "reason": None, "cut": cut - WEEK, "expected": cut - WEEK + 4 * DAY_S, "paid_at": cut - WEEK + 2 * DAY_S, "late": False}
    payouts = told["GET /api/v0/billing/payouts/"]
    payouts["payouts"] = [{name: one[name] for name in one} for one in (week, paid)]
    return data


def check(data):
    """Every answer has the shape that api/ says: pages are looked at with what a server of today would say."""
    import schema  # noqa: PLC0415: reads all of api/
    checker = schema.Checker()
    for key, reply in data["told"].items():
        method, path = key.split(" ")
        try:
            checker.check(method, path, 200, {"content-type": "application/json"}, json.dumps(reply).encode())
        except schema.SchemaError as error:
            sys.exit(f"looks_test: {DATA.name} is not what api/ says any more: {error}. Anew: --record, and --keep where pages look as meant")


def tell_browser(**told):
    import boxfont  # noqa: PLC0415: beside this one
    told |= {"data": str(DATA), "looks": str(HERE / "looks"), "out": str(OUT), "font": base64.b64encode(boxfont.font()).decode()}
    done = subprocess.run(["node", ROOT / "web/test/looks.mjs"], input=json.dumps(told), text=True, check=False, timeout=300)
    if done.returncode != 0:
        sys.exit(f"looks_test: pages look otherwise; {OUT} has what differs. Meant so: --keep")


def record(options):
    os.environ["BERTH_BIN"] = str(options.bin.resolve())
    from world import World  # noqa: PLC0415: finds its programs by BERTH_BIN
    import fleet  # noqa: PLC0415: the same
    with World("--web", str(options.web.resolve())) as world:
        person = world.user("looks", credit="100.00")
        world.session_of(person, PASSWORD)
        with fleet.Fleet(world, world.user("lender"), FLEET), fleet.Fleet(world, person, OWN):
            offers = person.ok("POST", "/api/v0/bundles/", {"gpu_name": {"eq": "RTX 4090"}, "num_gpus": {"eq": 2}})["offers"]
            person.ok("PUT", f"/api/v0/asks/{offers[0]['id']}/", {"image": "ubuntu:22.04", "disk": 10, "runtype": "ssh"})
            tell_browser(url=f"http://{world.address}", email=person.ok("GET", "/api/v0/users/current/")["email"], password=PASSWORD)
    data = json.loads(DATA.read_text())
    DATA.write_text(json.dumps(dress(data), indent=1, sort_keys=True) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    parser.add_argument("--web", type=pathlib.Path, default=ROOT / "build/web")
    parser.add_argument("--keep", action="store_true", help="what is seen now is how it ought to be")
    parser.add_argument("--record", action="store_true", help="ask a real market for what pages show")
    options = parser.parse_args()
    if shutil.which("node") is None or not (ROOT / "web/node_modules").exists() or not (options.web / "index.html").exists():
        print("SKIP: make console first")
        sys.exit(SKIP)
    if options.record:
        record(options)
    check(json.loads(DATA.read_text()))
    if OUT.exists():
        shutil.rmtree(OUT)
    tell_browser(web=str(options.web.resolve()), keeps=options.keep)
    print(json.dumps({"looks": "kept" if options.keep else "passed"}))


if __name__ == "__main__":
    main()
