#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bill for traffic: a billion bytes each way by wget, by scp through the SSH front and through a
port of the relay, each counted once and within 2 % of its payload; and the count never goes back, though
the container, the agent and the engine start anew between them."""

import http.server
import pathlib
import shutil
import subprocess
import threading
import time

from market import steps
from nat import RENTER, SERVER, main, make_market
from patience import check, running, wait_until

SIZE = 1_000_000_000
BLOCK = bytes(1 << 20)
WEB = "mkdir -p /www; echo hello > /www/index.html; busybox httpd -p 8081 -h /www"
WEB_PORT = 19999
WGET = shutil.which("wget")  # by its path: busybox's shell would take its own


class Answers(http.server.BaseHTTPRequestHandler):
    """Gives SIZE zeros to who gets, and throws away what is posted."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        for at in range(0, SIZE, len(BLOCK)):
            self.wfile.write(BLOCK[:SIZE - at])

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, len(BLOCK))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def wget_files():
    """This machine's wget and what it is linked with, for an image that has none."""
    listed = subprocess.run(["ldd", WGET], check=True, capture_output=True, text=True).stdout
    paths = {word for word in listed.split() if word.startswith("/")} | {WGET}
    return {path.lstrip("/"): pathlib.Path(path).read_bytes() for path in paths}


class Watch:
    """What is counted, read over and over: it must not fall."""

    def __init__(self, read):
        self.read, self.last, self.fell, self.goes_on = read, (0, 0), None, True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.goes_on:
            now = self.read()
            if now[0] < self.last[0] or now[1] < self.last[1]:
                self.fell = (self.last, now)
            self.last = now
            time.sleep(0.5)

    def stop(self):
        self.goes_on = False
        self.thread.join()
        check(self.fell is None, f"what is counted went back: {self.fell}")


class Traffic:
    def __init__(self, market):
        self.market = market
        self.id = self.ports = self.watch = None

    def cases(self):
        names = ["rents_it", "wget_down", "wget_up", "the_container_starts_anew", "scp_up", "scp_down",
                 "the_agent_starts_anew", "relay_up", "relay_down", "the_engine_starts_anew", "the_bill"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def rents_it(self):
        market = self.market
        market.list_machine(price_up="0.02", price_down="0.01")
        offer = wait_until("an offer", 10, market.offers)[0]["id"]
        self.id = market.rent(offer, "bb:1", env={"-p 8081:8081": "1", "-p 9000:9000": "1"}, onstart=WEB,
                              runtype="ssh_proxy", disk=8)
        row = market.wait_running(self.id)
        self.ports = {inside: int(where[0]["HostPort"]) for inside, where in row["ports"].items()}
        self.inside(f"mkdir -p /www; head -c {SIZE} /dev/zero > /www/big")
        self.watch = Watch(self.totals)

    def totals(self):
        return self.market.sql("SELECT bytes_up, bytes_down FROM contract WHERE id = ?", self.id)[0]

    def settled(self):
        """When two heartbeats have brought nothing of weight."""
        before, since = self.totals(), running.seconds()
        while running.seconds() - since < 11:
            time.sleep(0.5)
            now = self.totals()
            if sum(now) - sum(before) > 100_000:
                before, since = now, running.seconds()
        return self.totals()

    def moves(self, way, act):
        """`act` moves SIZE bytes that `way`, and hardly any the other."""
        before = self.settled()
        began = time.monotonic()
        act()
        seconds = time.monotonic() - began
        after = self.settled()
        counted, other = after[way] - before[way], after[1 - way] - before[1 - way]
        print(f"# {counted} bytes of {SIZE} ({counted / SIZE - 1:+.2%}), {other} the other way, "
              f"{SIZE / 1e6 / seconds:.0f} MB/s", flush=True)
        check(SIZE * 0.98 <= counted <= SIZE * 1.02, f"{counted} bytes counted of {SIZE}")
        check(other <= SIZE * 0.02, f"{other} bytes counted the other way")

    def inside(self, command):
        """Its output. A billion bytes take a busy disk a while."""
        return subprocess.run(self.market.ssh_command(self.id, command), check=True, timeout=300, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL).stdout

    def wget_down(self):
        self.moves(1, lambda: self.inside(f"{WGET} -q -O /dev/null http://{RENTER}:{WEB_PORT}/"))

    def wget_up(self):
        self.moves(0, lambda: self.inside(f"{WGET} -q -O /dev/null --post-file=/www/big http://{RENTER}:{WEB_PORT}/"))

    def copy(self, source, target):
        subprocess.run(["scp", *self.market.ssh_options("-P", self.id), source, target], check=True, timeout=300,
                       capture_output=True)

    def scp_up(self):
        self.moves(0, lambda: self.copy(f"root@{SERVER}:/www/big", "/dev/null"))

    def scp_down(self):
        big = self.market.dir / "big"
        with open(big, "wb") as file:
            file.truncate(SIZE)
        self.moves(1, lambda: self.copy(big, f"root@{SERVER}:/tmp/got"))
        check(self.inside("wc -c </tmp/got; rm /tmp/got") == f"{SIZE}\n", "all of it arrived")

    def relay_up(self):
        address = f"http://{SERVER}:{self.ports['8081/tcp']}/big"
        self.moves(0, lambda: subprocess.run(["wget", "-q", "-O", "/dev/null", address], check=True, timeout=300))

    def relay_down(self):
        sink = subprocess.Popen(self.market.ssh_command(self.id, "nc -l -p 9000 -e sh -c 'cat >/dev/null'"), stdin=subprocess.DEVNULL)
        time.sleep(1)
        script = f"head -c {SIZE} /dev/zero | busybox nc {SERVER} {self.ports['9000/tcp']}"
        self.moves(1, lambda: (subprocess.run(["sh", "-c", script], check=True, timeout=300), sink.wait(60)))

    def wait_ssh(self):
        def answers():
            row = self.market.instance(self.id)
            return row["actual_status"] == "running" and self.market.ssh(
                self.id, "test -e /www/big", ok=False).returncode == 0

        wait_until("SSH answers again", 90, answers)

    def the_container_starts_anew(self):
        self.market.berth("reboot", "instance", self.id)
        wait_until("it is down", 30, lambda: self.market.instance(self.id)["actual_status"] != "running" or
                   self.market.ssh(self.id, "true", ok=False).returncode != 0)
        self.wait_ssh()

    def the_agent_starts_anew(self):
        self.market.kill("host")
        self.market.start_host()
        self.wait_ssh()

    def the_engine_starts_anew(self):
        before = self.settled()
        self.market.kill("engine")
        time.sleep(1)
        self.wait_ssh()
        after = self.settled()
        check(sum(after) - sum(before) < SIZE * 0.02, f"an engine's start counts nothing: {before} {after}")

    def the_bill(self):
        """What is charged is what was counted, at the price of the contract, to the last billionth of a dollar."""
        market = self.market
        counted = self.settled()
        self.watch.stop()
        market.destroy(self.id)
        for component, least in ((3, counted[0]), (4, counted[1])):
            total, posted, rate, denominator, charged = market.sql(
                "SELECT total, posted_total, rate * qty, denom, gross_posted FROM meter WHERE instance_id = ? AND comp = ?",
                self.id, component)[0]
            check(least <= total <= least + SIZE // 100, f"{component}: {total} metered of {least} counted")
            check(posted == total, f"{component}: {posted} of {total} posted")
            check(abs(charged - rate * total / denominator) <= 1, f"{component}: {charged} charged for {total} at {rate}")
            print(f"# {total} bytes cost ${charged / 1e9:.9f}", flush=True)


def run(options, topology):
    server = http.server.ThreadingHTTPServer((RENTER, WEB_PORT), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with make_market(topology, options.bin) as market:
        market.import_busybox("bb:1", wget_files())
        traffic = Traffic(market)
        try:
            steps(traffic.cases())
        finally:
            if traffic.watch:
                traffic.watch.goes_on = False
                traffic.watch.thread.join()
        market.check_books()


if __name__ == "__main__":
    main(run)
