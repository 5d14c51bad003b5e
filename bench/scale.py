#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A large market on this machine: many agents, five seconds apart, on two berthd that share one PostgreSQL; and all
of them coming back at once after both servers were killed. BERTH_BENCH_AGENTS (10000), BERTH_BENCH_SECONDS (20)."""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/cluster"))
from cluster import Cluster, check  # noqa: E402

AGENTS = int(os.environ.get("BERTH_BENCH_AGENTS", "10000"))
SECONDS = int(os.environ.get("BERTH_BENCH_SECONDS", "20"))
SERVERS, PROCESSES = 2, 16
TOKENS_PER_USER = 190
P99_LIMIT_MS, STORM_LIMIT_S = 200, 15
ROUNDS_MAX, CALM_MS = 12, 1000


def result(name, value, unit, peer, limit):
    print(f"RESULT {name} {value:.1f} {unit} vs {peer} {limit:.1f} ratio {value / limit:.2f} better=lower", flush=True)


def cpu_seconds(pid):
    """Of all threads of the process."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def cpu_of_group(process):
    """PostgreSQL: a process for each connection."""
    total = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        if int(fields[1]) == process.pid or int(text.split(" ", 1)[0]) == process.pid:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def rss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


class Load:
    """A process with a share of the agents, on one of the servers."""

    def __init__(self, cluster, number, tokens):
        server = cluster.servers[number % SERVERS]
        self.process = subprocess.Popen(
            [cluster.bin / "heartbeat-load", f"127.0.0.1:{server.port}", str(len(tokens)), str(number * 100000)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("".join(f"{token}\n" for token in tokens))
        self.process.stdin.flush()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        check(line, "heartbeat-load ended")
        return line.strip()


def make_tokens(cluster, count):
    tokens = []
    while len(tokens) < count:
        account = cluster.admin("user", "create", "--email", f"host{len(tokens)}@localhost")
        for _ in range(min(TOKENS_PER_USER, count - len(tokens))):
            status, reply = cluster.call("POST", "/api/v0/machines/enroll_token/", {}, account["api_key"],
                                         port=cluster.servers[0].port)
            check(status == 200, f"token: {reply}")
            tokens.append(reply["token"])
    return tokens


def events(cluster):
    """Leases lost and found again, so far."""
    return int(cluster.postgres.query("SELECT count(*) FROM machine_event")[0][0])


def come_online(loads):
    """The first heartbeat of each puts its machine on the market, and its offers into both catalogs."""
    began = time.monotonic()
    for _ in range(ROUNDS_MAX):
        for load in loads:
            load.say("redial\nrun 10")
        longest = max(json.loads(load.hear())["max_us"] for load in loads) / 1000
        if longest < CALM_MS:
            break
    print(f"# all came online within {time.monotonic() - began:.0f} s; the longest answer of the last 10 s took "
          f"{longest:.0f} ms", flush=True)


def beat(cluster, loads):
    pids = [server.process.pid for server in cluster.servers]
    before, base = sum(map(cpu_seconds, pids)), cpu_of_group(cluster.postgres.process)
    for load in loads:
        load.say(f"run {SECONDS}")
    replies = [json.loads(load.hear()) for load in loads]
    server_cpu, base_cpu = sum(map(cpu_seconds, pids)) - before, cpu_of_group(cluster.postgres.process) - base
    answers, wrong = sum(r["answers"] for r in replies), sum(r["wrong"] for r in replies)
    p99 = max(r["p99_us"] for r in replies) / 1000
    result(f"scale_{AGENTS}_heartbeat_p99", p99, "ms", "limit", P99_LIMIT_MS)
    print(f"# {answers} answers in {SECONDS} s, {wrong} wrong, p50 {max(r['p50_us'] for r in replies) / 1000:.1f} ms, "
          f"longest {max(r['max_us'] for r in replies) / 1000:.0f} ms; CPU: berthd {server_cpu / SECONDS:.2f} cores, "
          f"PostgreSQL {base_cpu / SECONDS:.2f} cores; memory: " +
          ", ".join(f"{rss_mb(pid):.0f} MB" for pid in pids), flush=True)
    check(wrong * 100 <= answers, f"{wrong} heartbeats were refused, or not answered before the next was due")


def storm(cluster, loads):
    """Both servers die; a moment later all agents dial at once."""
    for server in cluster.servers:
        server.kill()
    for server in cluster.servers:
        server.start(wait=False)
    for server in cluster.servers:
        server.wait()
    began = time.monotonic()
    for number, load in enumerate(loads):
        load.say(f"reconnect {cluster.servers[number % SERVERS].port}")
    replies = [json.loads(load.hear()) for load in loads]
    lasted = time.monotonic() - began
    count = sum(reply["reconnected"] for reply in replies)
    check(count == AGENTS, f"{count} came back")
    print(f"# {sum(reply['refused'] for reply in replies)} were told to come again", flush=True)
    result(f"scale_{AGENTS}_reconnect", lasted, "s", "limit", STORM_LIMIT_S)


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-scale-"))
    cluster = Cluster(pathlib.Path(os.environ.get("BERTH_BIN", ROOT / "build/bin")), folder, SERVERS)
    loads = []
    try:
        cluster.start()
        began = time.monotonic()
        tokens = make_tokens(cluster, AGENTS)
        share = (AGENTS + PROCESSES - 1) // PROCESSES
        loads = [Load(cluster, number, tokens[number * share:(number + 1) * share]) for number in range(PROCESSES)]
        for load in loads:
            check(load.hear() == "connected", "all are connected")
        print(f"# {AGENTS} agents joined in {time.monotonic() - began:.0f} s", flush=True)
        come_online(loads)
        before = events(cluster)
        beat(cluster, loads)
        storm(cluster, loads)
        beat(cluster, loads)
        lost = events(cluster) - before
        print(f"# leases lost, in both beats and the storm between them: {lost}", flush=True)
        check(lost == 0, f"{lost} leases were lost")
    finally:
        for load in loads:
            load.process.kill()
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
