#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A large market on this machine: many agents, five seconds apart, on two berthd that share one PostgreSQL; all of
them coming back at once after both servers were killed, and after none was heard for longer than a lease; and how
many rentals a second one, two and four berthd take, by clients who each rent on machines of their own and give back
at once. BERTH_BENCH_AGENTS (10000; 0: none), BERTH_BENCH_SECONDS (20), BERTH_BENCH_RENT_SERVERS (1,2,4)."""

import http.client
import json
import multiprocessing
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
from cluster import Cluster  # noqa: E402
from patience import check, wait_until  # noqa: E402

AGENTS = int(os.environ.get("BERTH_BENCH_AGENTS", "10000"))
SECONDS = int(os.environ.get("BERTH_BENCH_SECONDS", "20"))
SERVERS, PROCESSES = 2, 16
TOKENS_PER_USER = 190
P99_LIMIT_MS, STORM_LIMIT_S = 200, 15
ROUNDS_MAX, ROUND_SECONDS, CALM_MS, LAPSE_SECONDS_MAX = 30, 10, 1000, 300
RENT_SERVERS = [int(count) for count in os.environ.get("BERTH_BENCH_RENT_SERVERS", "1,2,4").split(",") if count]
RENT_HOSTS, RENT_GPUS, RENT_CLIENTS = 16, 8, 8


def result(name, value, unit, peer, limit):
    print(f"RESULT {name} {value:.1f} {unit} vs {peer} {limit:.1f} ratio {value / limit:.2f} better=lower", flush=True)


def cpu_seconds(pid):
    """Of all threads of the process."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def cpu_of_group(process):
    """PostgreSQL: a process for each connection, and what those took that have ended."""
    total = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        if int(fields[1]) == process.pid or int(text.split(" ", 1)[0]) == process.pid:
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def cores_at_rest():
    """Seconds so far that the machine's cores had nothing to do, or waited for a disk."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def cpu_of(cluster):
    """Seconds so far of the servers, of the database, of the hosts, and of cores that rested."""
    return (sum(cpu_seconds(server.process.pid) for server in cluster.servers), cpu_of_group(cluster.postgres.process),
            sum(cpu_seconds(host.pid) for host in cluster.hosts), cores_at_rest())


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


def online(cluster):
    return int(cluster.postgres.query("SELECT count(*) FROM machine WHERE is_online = 1")[0][0])


def come_online(cluster, loads, what):
    """A heartbeat of each puts its machine on the market, and its offers into both catalogs."""
    began, lasted = time.monotonic(), None
    for _ in range(ROUNDS_MAX):
        for load in loads:
            load.say(f"redial\nrun {ROUND_SECONDS}")
        end = time.monotonic() + ROUND_SECONDS
        while lasted is None and time.monotonic() < end:
            time.sleep(0.5)
            if online(cluster) == AGENTS:
                lasted = time.monotonic() - began
        longest = max(json.loads(load.hear())["max_us"] for load in loads) / 1000
        if lasted is not None and longest < CALM_MS:
            break
    check(lasted is not None, f"{online(cluster)} are online")
    print(f"# all came online {what} within {lasted:.0f} s; the longest answer of the last {ROUND_SECONDS} s took "
          f"{longest:.0f} ms", flush=True)


def lapse(cluster, loads):
    """Nobody is heard for longer than a lease: every machine goes off the market, and comes back."""
    began = time.monotonic()
    wait_until("all are away", LAPSE_SECONDS_MAX, lambda: online(cluster) == 0, 0.5)
    print(f"# all were off the market {time.monotonic() - began:.0f} s after their last heartbeat", flush=True)
    come_online(cluster, loads, "again")


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


class Client:
    """Rents one GPU after the other on its own machines, on one connection to one server, and gives each back."""

    def __init__(self, port, key, machines):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.key, self.machines = key, machines
        self.rented, self.refused, self.times = 0, 0, []

    def ask(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"})
        reply = self.connection.getresponse()
        return reply.status, json.loads(reply.read())

    def offers(self):
        _, reply = self.ask("POST", "/api/v0/bundles/", {"machine_id": {"in": self.machines}, "num_gpus": {"eq": 1},
                                                         "rentable": {"eq": True}, "limit": 64})
        return [offer["id"] for offer in reply["offers"]]

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for offer in self.offers():
                began = time.monotonic()
                status, reply = self.ask("PUT", f"/api/v0/asks/{offer}/", {"image": "bb:1", "disk": 1})
                if began > end:
                    break
                if status != 200:
                    self.refused += 1
                    continue
                self.rented += 1
                self.times.append(time.monotonic() - began)
                self.ask("DELETE", f"/api/v0/instances/{reply['new_contract']}/", {})
        return self.rented, self.refused, self.times


def rent_for(arguments):
    port, key, machines, seconds = arguments
    return Client(port, key, machines).run(seconds)


def rentals(servers):
    """Of `servers` berthd on one PostgreSQL, through no proxy; hosts are there in no time (test/fakes/sim_host.c)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-scale-rent-"))
    cluster = Cluster(pathlib.Path(os.environ.get("BERTH_BIN", ROOT / "build/bin")), folder, servers)
    try:
        cluster.start()
        renters = cluster.settle(RENT_HOSTS, RENT_GPUS, RENT_CLIENTS)
        machines = [int(row[0]) for row in cluster.postgres.query("SELECT id FROM machine ORDER BY id")]
        work = [(cluster.servers[number % servers].port, renters[number]["api_key"],
                 machines[number::RENT_CLIENTS], SECONDS) for number in range(RENT_CLIENTS)]
        with multiprocessing.Pool(RENT_CLIENTS) as pool:
            before = cpu_of(cluster)
            done = pool.map(rent_for, work, chunksize=1)
            spent = [now - then for now, then in zip(cpu_of(cluster), before)]
        times = sorted(took for _, _, each in done for took in each)
        rented = sum(count for count, _, _ in done)
        check(rented > 0, "nobody rented")
        cluster.check_books()
        print(f"# {servers} berthd: {rented / SECONDS:.1f} rentals a second, each given back at once, by {RENT_CLIENTS} clients; "
              f"half within {times[len(times) // 2] * 1000:.0f} ms, 99 of 100 within {times[len(times) * 99 // 100] * 1000:.0f} ms; "
              f"{sum(refused for _, refused, _ in done)} were refused; books are sound", flush=True)
        berthd, database, hosts, rest = spent
        print(f"# CPU for each: berthd {berthd / rented * 1000:.1f} ms, PostgreSQL {database / rented * 1000:.1f} ms, hosts "
              f"{hosts / rented * 1000:.1f} ms; {rest / SECONDS:.2f} of {os.cpu_count()} cores rested, or waited for the disk",
              flush=True)
        return rented / SECONDS
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def rent():
    """Beside what one server takes."""
    one = None
    for servers in RENT_SERVERS:
        rate = rentals(servers)
        one = one or rate
        print(f"RESULT scale_rent_{servers} {rate:.1f} rentals/s vs berthd-{RENT_SERVERS[0]} {one:.1f} ratio {rate / one:.2f} "
              "better=higher", flush=True)


def agents():
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
        come_online(cluster, loads, "at first")
        before = events(cluster)
        beat(cluster, loads)
        storm(cluster, loads)
        beat(cluster, loads)
        lost = events(cluster) - before
        print(f"# leases lost, in both beats and the storm between them: {lost}", flush=True)
        check(lost == 0, f"{lost} leases were lost")
        lapse(cluster, loads)
    finally:
        for load in loads:
            load.process.kill()
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if AGENTS > 0:
        agents()
    rent()


if __name__ == "__main__":
    main()
