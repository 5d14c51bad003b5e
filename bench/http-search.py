#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""64 offers over HTTP, of a market of 20 thousand, as clients ask for them: compressed, which Python's
requests and every browser want (gzip), and plain. Requests a second of berthd against nginx, which
serves the same bytes from a file (gzip_static); what a search costs berthd in CPU against one that
finds nothing; and for the plain reply against that and the sending of as many bytes, which is the least
that it can cost: what they cost is told by a document that lies ready in memory, against a reply of a
few bytes. Servers on one core, wrk on the other, in turn, medians.

The figures without a suffix are those of gzip, because that is what the clients get; those of -plain are
what somebody gets who asks without Accept-Encoding. Both are of one search that many make: berthd keeps
its reply for as long as no offer changes, and makes it again each second (src/server/offer_pages.h). Those
of -fresh are of searches that nobody has made before: each has a number of its own in it, so each is
read, searched for and written, also those that find nothing, which they are held against.

The market is written into the database as rows, on the models and prices of a real one: its machines
need no agents, and nothing else goes on."""

import csv
import gzip
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TREE = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("BERTH_BIN", TREE / "build/bin"))
ROUNDS, SECONDS = 5, int(os.environ.get("BERTH_BENCH_SECONDS", "5"))
OFFERS, CONNECTIONS, NEVER = 20000, 16, 2**63 - 1
QUERY = {"verified": {"eq": True}, "external": {"eq": False}, "rentable": {"eq": True}, "limit": 64}
DOCUMENT, SMALL = "/api/openapi.json", "/healthz"
NOTHING = {**QUERY, "num_gpus": {"gt": 1000}}
NEW = '"id": {"neq": 7%011d}, '  # a condition that no query had

NGINX = """
daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.log crit; worker_processes 1;
events {{ worker_connections 1000; }}
http {{ access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on; open_file_cache max=10;
  default_type application/json; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  gzip_static on; server {{ listen 127.0.0.1:{port}; root {dir}/www; }} }}
"""


def result(name, value, unit, peer, peer_value, ratio, better):
    print(f"RESULT {name} {value:.1f} {unit} vs {peer} {peer_value:.1f} ratio {ratio:.2f} better={better}", flush=True)


def cpu_us(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1000


def facts(row, number):
    gpus = int(float(row["gpu_count"]))
    gpu = {"name": row["gpu_name"], "memory_mb": max(1000, int(float(row["gpu_ram"]))), "compute_cap": 890, "power_max_w": 350,
           "pcie_gen": 4, "pcie_lanes": 16, "pci_bus": ""}
    return {"hostname": f"host-{number}", "os_version": "22.04", "cpu_name": "AMD EPYC 7543", "cpu_arch": "amd64",
            "cpu_cores": max(1, int(row["cpu_cores"])), "cpu_mhz": 3700, "has_avx": True,
            "ram_mb": min(2000000, max(1000, int(row["cpu_ram"]))), "disk_name": "Samsung PM9A3",
            "disk_gb": max(100, int(row["disk_space"])) * gpus, "disk_mbs": 3100,
            "inet_up_kbps": int(float(row["inet_up"]) * 1000), "inet_down_kbps": int(float(row["inet_down"]) * 1000),
            "public_ip": "203.0.113.9", "port_first": 40000, "port_last": 40099, "driver_version": "570.86.15",
            "cuda_version": 128, "is_simulated": False, "agent_version": "0.1.0", "engine_version": "20.10.24",
            "gpus": [{"uuid": f"GPU-{number}-{i}", **gpu} for i in range(gpus)]}


def fill(path):
    rows = [row for row in csv.DictReader(open(TREE / "test/market/offers_real.csv", encoding="utf-8"))
            if float(row["dph_base"]) > 0 and 1 <= int(row["gpu_count"]) <= 16]
    draw, offers, now = random.Random(1), 0, int(time.time() * 1e6)
    db = sqlite3.connect(path)
    for number in range(1, OFFERS):
        row = draw.choice(rows)
        its = facts(row, number)
        gpus = len(its["gpus"])
        price = max(1, int(float(row["dph_base"]) / int(row["num_gpus"]) * 1e9))
        terms = {"gpu_hour": price, "min_bid_hour": price // 2, "disk_month": 150000000, "up_tb": 3072000000,
                 "down_tb": 2048000000, "discount_max_ppm": 0}
        machine = {"id": number, "owner_id": 1, "public_key": number.to_bytes(32, "big"), "facts": json.dumps(its),
                   "hostname": its["hostname"], "inet_up_kbps": its["inet_up_kbps"],
                   "inet_down_kbps": its["inet_down_kbps"], "geolocation": f"Somewhere, {row['country'] or 'US'}",
                   "verification": 1, "verify_set": 1, "created_us": now, "is_listed": 1, "is_online": 1, "is_engine_ok": 1,
                   "disk_free_gb": its["disk_gb"], **terms}
        insert(db, "machine", machine)
        for i, gpu in enumerate(its["gpus"]):
            insert(db, "gpu", {"machine_id": number, "uuid": gpu["uuid"], "is_whole_machine": 0, "position": i})
        size, sizes = 1, []
        while size < gpus:
            sizes, size = sizes + [size], size * 2
        for size in sizes + [gpus]:
            slices = {key: value * (size if key.endswith("hour") else 1) for key, value in terms.items()}
            insert(db, "offer", {"machine_id": number, "host_id": 1, "num_gpus": size, **slices,
                                 "disk_gb": its["disk_gb"] * size // gpus, "start_us": now,
                                 "end_us": now + draw.randrange(10**13)})
            offers += 1
        if offers >= OFFERS:
            break
    db.commit()
    db.close()


def insert(db, table, row):
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def serve(folder):
    log = folder / "berthd.log"
    with open(log, "a", encoding="utf-8") as out:
        mark = out.tell()
        process = subprocess.Popen(["taskset", "-c", "0", BIN / "berthd", "serve", "--data", folder / "data", "--listen",
                                    "127.0.0.1:0", "--rate-factor", "0"], stderr=out)
    while "ready on " not in log.read_text()[mark:]:
        if process.poll() is not None:
            sys.exit(f"bench-http-search: berthd ended: {log.read_text()[mark:]}")
        time.sleep(0.01)
    return process, log.read_text()[mark:].split("ready on ")[1].split()[0]


def settle(pid):
    """Until it has nothing left to do: it reads the market twice at its start."""
    last, quiet = cpu_us(pid), 0
    while quiet < 4:
        time.sleep(0.25)
        now = cpu_us(pid)
        quiet, last = (quiet + 1 if now - last < 5000 else 0), now


def ask(url, query, path="/api/v0/bundles/", coding=None):
    request = urllib.request.Request(url + path, json.dumps(query).encode() if query else None,
                                     {"Content-Type": "application/json", "Accept-Encoding": coding or "identity"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        if reply.headers.get("Content-Encoding") != coding:
            sys.exit(f"bench-http-search: asked for {coding}, got {reply.headers.get('Content-Encoding')}")
        return reply.read()


def load(folder, url, query, pid, coding="identity", is_fresh=False):
    """Requests a second, and the server's CPU for each in microseconds."""
    script = folder / "load.lua"
    body = json.dumps(query).replace("'", "") if query else ""
    each = (f"local count = {time.monotonic_ns() // 1000 % 10**10}\nrequest = function() count = count + 1; return "
            f"wrk.format(nil, nil, nil, string.format('{{{NEW}{body[1:]}', count)) end\n") if is_fresh else ""
    script.write_text(f"wrk.method = '{'POST' if query else 'GET'}'\nwrk.body = '{body}'\n"
                      "wrk.headers['Content-Type'] = 'application/json'\n"
                      f"wrk.headers['Accept-Encoding'] = '{coding}'\n{each}"
                      "done = function(s) io.write(string.format('FIGURES %d %d %d\\n', s.requests, s.duration, "
                      "s.errors.status + s.errors.read + s.errors.timeout)) end\n")
    before = cpu_us(pid)
    done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", script, url],
                          capture_output=True, text=True, check=True)
    figures = [line for line in done.stdout.splitlines() if line.startswith("FIGURES")]
    requests, duration_us, errors = map(int, figures[0].split()[1:])
    if errors or not requests:
        sys.exit(f"bench-http-search: {url}: {done.stdout}")
    return requests / duration_us * 1e6, (cpu_us(pid) - before) / requests


def median(figures, which):
    return statistics.median(figure[which] for figure in figures)


def main():
    port = 20000 + os.getpid() % 20000
    with tempfile.TemporaryDirectory(prefix=f"berth-bench-{os.getpid()}-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        serve_once, _ = serve(folder)
        serve_once.send_signal(signal.SIGTERM)
        serve_once.wait(12)
        subprocess.run([BIN / "berthd", "admin", "--data", folder / "data", "user", "create", "--email",
                        "host@localhost"], capture_output=True, check=True)
        fill(folder / "data/berth.sqlite")
        server, url = serve(folder)
        settle(server.pid)
        bundles = url + "/api/v0/bundles/"
        replies = {"gzip": ask(url, QUERY, coding="gzip"), "identity": ask(url, QUERY)}
        offers = [json.loads(text)["offers"] for text in (gzip.decompress(replies["gzip"]), replies["identity"])]
        for one, other in zip(*offers):  # The time that is left is less by now.
            one["duration"] = other["duration"]
        if len(offers[0]) != 64 or offers[0] != offers[1] or json.loads(ask(url, NOTHING))["offers"]:
            sys.exit("bench-http-search: not 64 offers, or not the same")
        (folder / "www").mkdir()
        (folder / "www/offers").write_bytes(replies["identity"])
        (folder / "www/offers.gz").write_bytes(replies["gzip"])
        (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=port))
        nginx = subprocess.Popen(["taskset", "-c", "0", shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p",
                                  folder, "-c", folder / "nginx.conf"])
        time.sleep(0.5)
        worker = int(subprocess.run(["pgrep", "-P", str(nginx.pid)], capture_output=True, text=True, check=True).stdout)
        peer_url = f"http://127.0.0.1:{port}"
        if ask(peer_url, None, "/offers", "gzip") != replies["gzip"] or ask(peer_url, None, "/offers") != replies["identity"]:
            sys.exit("bench-http-search: nginx serves other bytes")
        document = ask(url, None, DOCUMENT)
        found, peer = {"gzip": [], "identity": []}, {"gzip": [], "identity": []}
        fresh, empty, fresh_empty, large, small = {"gzip": [], "identity": []}, [], [], [], []
        try:
            for _ in range(ROUNDS):
                for coding in ("gzip", "identity"):
                    found[coding].append(load(folder, bundles, QUERY, server.pid, coding))
                    peer[coding].append(load(folder, peer_url + "/offers", None, worker, coding))
                    fresh[coding].append(load(folder, bundles, QUERY, server.pid, coding, True))
                empty.append(load(folder, bundles, NOTHING, server.pid, "gzip"))
                fresh_empty.append(load(folder, bundles, NOTHING, server.pid, "gzip", True))
                large.append(load(folder, url + DOCUMENT, None, server.pid))
                small.append(load(folder, url + SMALL, None, server.pid))
            if len(json.loads(ask(url, QUERY))["offers"]) != 64:
                sys.exit("bench-http-search: in the end there were no 64 offers any more")
        finally:
            nginx.terminate()
            nginx.wait()
            server.send_signal(signal.SIGTERM)
            server.wait(12)
    for coding, suffix in (("gzip", ""), ("identity", "-plain")):
        theirs = median(peer[coding], 0)
        for kind, (figures, nothing) in {"": (found[coding], empty), "-fresh": (fresh[coding], fresh_empty)}.items():
            ours, cost, least = median(figures, 0), median(figures, 1), median(nothing, 1)
            result(f"http-search-64{suffix}{kind}", ours, "requests/s", "nginx", theirs, ours / theirs, "higher")
            result(f"http-search-64-cpu{suffix}{kind}", cost, "us", "empty-list", least, cost / least, "lower")
        print(f"# {coding}: {len(replies[coding])} bytes a reply; nginx {median(peer[coding], 1):.1f} us of CPU a request", flush=True)
    least, cost = median(empty, 1), median(found["identity"], 1)
    sending = (median(large, 1) - median(small, 1)) * len(replies["identity"]) / len(document)
    result("http-search-64-floor-plain", cost, "us", "empty-list-and-its-bytes", least + sending, cost / (least + sending), "lower")


if __name__ == "__main__":
    main()
