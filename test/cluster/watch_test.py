#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is seen of a market from outside while its database, and then a server, is away: the numbers go on and say which it is, and
`berthd top` waits for what is restarted.

    watch_test.py --bin build/bin
"""

import http.client
import pathlib
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cluster import Postgres, die_with_the_test, enter, free_port  # noqa: E402
from patience import check, wait_until  # noqa: E402

ASKING, TURNS = 4, 5
OF_BOOKS = {"berth_ledger_newest_journal", "berth_backup_time_seconds", "berth_outbox_late_seconds", "berth_payouts_open"}


def numbers(url):
    with urllib.request.urlopen(url, timeout=15) as reply:
        text = reply.read().decode()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def until(what, probe):
    """Whoever does not answer yet is asked again."""
    def ask():
        try:
            return probe()
        except OSError:
            return None

    return wait_until(what, 30, ask, 0.1)


class Watched:
    def __init__(self, options, folder, store):
        self.log, self.url = open(folder / "log", "ab"), f"http://127.0.0.1:{free_port()}/metrics"
        self.words = [options.bin / "berthd", "serve", "--data", folder / "server", "--listen", "127.0.0.1:0", "--store", store,
                      "--metrics-listen", self.url.split("/")[2]]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=self.log, stderr=self.log, preexec_fn=die_with_the_test)
        until("berthd is up", lambda: numbers(self.url)["berth_store_up"] == "1")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def watch_relay(options, folder, store):
    """A relay that is a process by itself has numbers of its own, the same as one within a server."""
    first, url = free_port(), f"http://127.0.0.1:{free_port()}/metrics"
    words = [options.bin / "berthd", "relay", "--store", store, "--relay-ports", f"{first}-{first + 3}", "--relay-listen",
             f"127.0.0.1:{free_port()}", "--relay-host", "127.0.0.1", "--metrics-listen"]
    with open(folder / "log", "ab") as log:
        relay = subprocess.Popen([*words, url.split("/")[2]], stdout=log, stderr=log, preexec_fn=die_with_the_test)
        try:
            seen = until("the relay has numbers", lambda: numbers(url))
            check((seen["berth_relay_agents"], seen["berth_relay_calls"]) == ("0", "0"), f"nobody has dialled it: {seen}")
            check(int(seen["process_resident_memory_bytes"]) > 1 << 20 and len(seen) == 8, f"these and no others: {seen}")
            try:
                numbers(url.replace("/metrics", "/healthz"))
                check(False, "nothing else is there")
            except urllib.error.HTTPError as refusal:
                check(refusal.code == 404, f"nothing else is there: {refusal}")
            done = subprocess.run([*words, url.split("/")[2]], capture_output=True, text=True, timeout=30, check=False)
            check(done.returncode == 1 and "berthd relay: " in done.stderr, f"taken ports are an error: {done}")
        finally:
            relay.terminate()
            check(relay.wait(30) == 0, "it ends when told to")
    done = subprocess.run([*words, "nowhere"], capture_output=True, text=True, timeout=30, check=False)
    check(done.returncode != 0 and "--metrics-listen" in done.stderr, f"a wrong address is named: {done}")


def ask_while_it_comes_and_goes(server):
    """Prometheus asks when it likes: also who is about to start, and who ends."""
    asked, is_over = [0] * ASKING, threading.Event()

    def ask(one):
        while not is_over.is_set():
            try:
                numbers(server.url)
                asked[one] += 1
            except (OSError, http.client.HTTPException):
                pass

    with ThreadPoolExecutor(ASKING) as pool:
        for one in range(ASKING):
            pool.submit(ask, one)
        try:
            for _ in range(TURNS):
                server.stop()
                check(server.process.returncode == 0, f"berthd ends when told to: {server.process.returncode}")
                server.start()
            wait_until("all have asked", 30, lambda: all(asked))
        finally:
            is_over.set()


def run(options, folder):
    postgres = Postgres(folder)
    postgres.start()
    postgres.run("createdb", "-h", postgres.folder, "-p", str(postgres.port), "-U", "berth", "berth")
    store = f"postgres://berth@127.0.0.1:{postgres.port}/berth"
    server = Watched(options, folder, store)
    top = subprocess.Popen([options.bin / "berthd", "top", "--metrics", server.url, "--interval", "1", "--raw"],
                           stdout=open(folder / "top", "wb"), stderr=open(folder / "top.err", "wb"), preexec_fn=die_with_the_test)
    try:
        healthy = numbers(server.url)
        check(OF_BOOKS <= set(healthy), f"not served: {OF_BOOKS - set(healthy)}")
        check((healthy["berth_recovery_open"], float(healthy["berth_backup_time_seconds"])) == ("0", 0), "no recovery, no backup")
        until("top shows a table", lambda: (folder / "top").read_bytes().count(b"\n") > 0)

        watch_relay(options, folder, store)
        ask_while_it_comes_and_goes(server)

        postgres.kill()
        away = until("it says that the database is away", lambda: (lambda n: n if n["berth_store_up"] == "0" else None)(
            numbers(server.url)))
        check(not OF_BOOKS & set(away), "what only the books know is left out, and not zero")
        check(set(healthy) - set(away) == {name for name in healthy if re.match(
            "berth_(ledger|instances_running|parked|payouts|backup|outbox)", name)}, "and nothing else is")
        postgres.start()
        until("it is back", lambda: OF_BOOKS <= set(numbers(server.url)))

        server.stop()
        until("top says who is away", lambda: b"connect" in (folder / "top.err").read_bytes())
        check(top.poll() is None, "top goes on")
        server.start()
        seen = (folder / "top").read_bytes().count(b"\n")
        until("top shows it again", lambda: (folder / "top").read_bytes().count(b"\n") > seen)
        print("ok - the numbers say whether the database is away, and top outlives a restart\n1 passed, 0 failed")
    finally:
        top.kill()
        server.stop()
        postgres.kill()


if __name__ == "__main__":
    enter(run, "watch")
