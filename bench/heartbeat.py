#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a heartbeat costs: CPU time of berthd for each heartbeat of many agents, five seconds apart
on connections of their own, signed, decoded, checked and stored durably; against nginx, which takes
the same requests on as many connections and answers 204. In turn, in the same run, medians.

Then how long berthd takes from its start to its first answer, and what it holds in memory when
nobody asks anything."""

import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TREE = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("BERTH_BIN", TREE / "build/bin"))
CALM_MS, CALM_ROUNDS_MAX, PERIOD_S = 1000, 30, 5
ROUNDS, SECONDS = 5, int(os.environ.get("BERTH_BENCH_SECONDS", "10"))
SIZES = [int(size) for size in os.environ.get("BERTH_BENCH_AGENTS", "1000,10000").split(",")]
TOKENS_PER_USER = 190
RSS_LIMIT_MB, START_LIMIT_MS = 30, 100

NGINX = """
daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.log crit; worker_processes auto;
worker_rlimit_nofile 65536; events {{ worker_connections 30000; }}
http {{ access_log off; keepalive_requests 1000000; keepalive_timeout 300s;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }} }}
"""


def result(name, value, unit, peer, peer_value, ratio):
    print(f"RESULT {name} {value:.1f} {unit} vs {peer} {peer_value:.1f} ratio {ratio:.2f} better=lower", flush=True)


def cpu_ns(pids):
    """CPU time so far of all threads of the processes, to the nanosecond."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.began = time.monotonic()
        log = open(folder / "berthd.log", "a", encoding="utf-8")
        mark = log.tell()
        self.process = subprocess.Popen([BIN / "berthd", "serve", "--data", folder / "data", "--listen",
                                         "127.0.0.1:0", "--auto-verify"], stderr=log)
        while True:
            text = (folder / "berthd.log").read_text()[mark:]
            if "ready on " in text and text.endswith("\n"):
                break
            if self.process.poll() is not None:
                sys.exit(f"bench-heartbeat: berthd ended: {text}")
            time.sleep(0.001)
        self.url = text.split("ready on ")[1].split()[0]
        urllib.request.urlopen(self.url + "/healthz", timeout=10).read()
        self.start_ms = (time.monotonic() - self.began) * 1000

    def rss_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0

    def tokens(self, count):
        """Enrolment tokens, of as many accounts as it takes to ask politely."""
        found = []
        while len(found) < count:
            done = subprocess.run([BIN / "berthd", "admin", "--data", self.folder / "data", "user", "create",
                                   "--email", f"host{len(found)}.{count}@localhost"], capture_output=True, text=True, check=True)
            key = json.loads(done.stdout)["api_key"]
            for _ in range(min(TOKENS_PER_USER, count - len(found))):
                request = urllib.request.Request(self.url + "/api/v0/machines/enroll_token/", b"{}",
                                                 {"Authorization": f"Bearer {key}"})
                found.append(json.loads(urllib.request.urlopen(request, timeout=10).read())["token"])
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(12)


def measure(load, command, pids, seconds):
    before = cpu_ns(pids)
    load.stdin.write(f"{command} {seconds}\n")
    load.stdin.flush()
    figures = json.loads(load.stdout.readline())
    if figures["wrong"]:
        sys.exit(f"bench-heartbeat: wrong answers: {figures}")
    return (cpu_ns(pids) - before) / 1000 / figures["answers"], figures


def come_online(load, count):
    """To join takes many of them longer than a connection may idle, and the first heartbeat of each puts its machine
    on the market: both are over before anything is measured."""
    began = time.monotonic()
    for _ in range(CALM_ROUNDS_MAX):
        load.stdin.write("redial\nrun 10\n")
        load.stdin.flush()
        longest = json.loads(load.stdout.readline())["max_us"] / 1000
        if longest < CALM_MS:
            print(f"# {count} agents were online after {time.monotonic() - began:.0f} s", flush=True)
            return
    sys.exit(f"bench-heartbeat: after {time.monotonic() - began:.0f} s an answer still takes {longest:.0f} ms")


def heartbeats(folder, count):
    server = Server(folder)
    port = 20000 + os.getpid() % 20000
    (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=port))
    nginx = subprocess.Popen([shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", folder, "-c",
                              folder / "nginx.conf"])
    load = subprocess.Popen([BIN / "heartbeat-load", server.url.removeprefix("http://"), str(count)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        tokens = server.tokens(count)
        began = time.monotonic()
        load.stdin.write("\n".join(tokens) + "\n")
        load.stdin.flush()
        if load.stdout.readline() != "connected\n":
            sys.exit("bench-heartbeat: the agents could not connect")
        print(f"# {count} agents joined in {time.monotonic() - began:.1f} s", flush=True)
        come_online(load, count)
        workers = subprocess.run(["pgrep", "-P", str(nginx.pid)], capture_output=True, text=True, check=True)
        peers = [int(pid) for pid in workers.stdout.split()]
        ours, theirs, tails = [], [], []
        for _ in range(ROUNDS):
            load.stdin.write(f"redial\nrun {PERIOD_S}\n")  # a peer has had its turn; once all round, to settle
            load.stdin.flush()
            load.stdout.readline()
            cost, figures = measure(load, "run", [server.process.pid], SECONDS)
            ours.append(cost)
            tails.append(figures["p99_us"])
            theirs.append(measure(load, f"peer {port}", peers, SECONDS)[0])
        mine, peer = statistics.median(ours), statistics.median(theirs)
        share = mine * count / 5 / 1e6 * 100
        name = f"heartbeat-{count // 1000}k" if count >= 1000 else f"heartbeat-{count}"
        result(name, mine, "us", "nginx-204", peer, mine / peer)
        print(f"# {count} agents: {share:.1f} % of a core, p99 {statistics.median(tails) / 1000:.2f} ms, "
              f"{server.rss_mb():.1f} MB", flush=True)
    finally:
        load.kill()
        nginx.terminate()
        nginx.wait()
        server.stop()


def idle(folder):
    Server(folder).stop()  # makes the database: what follows is a restart
    starts, sizes = [], []
    for _ in range(ROUNDS):
        server = Server(folder)
        time.sleep(1)
        starts.append(server.start_ms)
        sizes.append(server.rss_mb())
        server.stop()
    start, size = statistics.median(starts), statistics.median(sizes)
    result("server-start", start, "ms", "limit", START_LIMIT_MS, start / START_LIMIT_MS)
    result("server-idle-rss", size, "MB", "limit", RSS_LIMIT_MB, size / RSS_LIMIT_MB)


def main():
    for step in [idle] + [lambda folder, size=size: heartbeats(folder, size) for size in SIZES]:
        with tempfile.TemporaryDirectory(prefix=f"berth-bench-{os.getpid()}-") as folder:
            step(pathlib.Path(folder))


if __name__ == "__main__":
    main()
