#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host updates itself: releases that are good, forged, spoilt, old, cut off, that die and that hang, with a
renter's container running through all of it.

    update_test.py --bin build/bin

The newer agent is this tree's, built with another version (bin/next).
"""

import json
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import threading
import time

from market import Market, main, steps
from patience import check, wait_until

NEXT = "99.0.0"
PATIENCE = 60


class Proxy:
    """Between host and server: a wire that can be cut in the middle of a release's file."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.cuts_after = None  # bytes of an answer with a file of a release
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.target)
            state = {"is_file": False, "sent": 0}
            threading.Thread(target=self.carry, args=(client, server, state, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, state, False), daemon=True).start()

    def carry(self, source, target, state, is_request):
        try:
            while data := source.recv(65536):
                if is_request and data.startswith(b"GET /agent/v1/release/file"):
                    state["is_file"] = True
                if not is_request and state["is_file"] and self.cuts_after is not None:
                    state["sent"] += len(data)
                    if state["sent"] > self.cuts_after:
                        target.sendall(data[:1000])
                        self.cuts += 1
                        break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class UpdatingMarket(Market):
    def start_server(self):
        super().start_server()
        self.proxy = Proxy(self.listen)
        self.server_url = self.url

    def start_host(self, token=None):
        self.url = self.proxy.url
        try:
            super().start_host(token)
        finally:
            self.url = self.server_url


def run(options):
    folder = pathlib.Path(f"/var/tmp/berth-releases-{os.getpid()}")
    folder.mkdir()
    try:
        run_in(options, folder)
    finally:
        shutil.rmtree(folder)


def release(options, *words):
    done = subprocess.run([options.bin / "berthd", "release", *map(str, words)], capture_output=True, text=True,
                          check=False)
    check(done.returncode == 0, f"berthd release {words}: {done.stderr}")
    return done.stdout.split("\n")


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def run_in(options, folder):
    key = release(options, "key", "--key", folder / "release.key")[0].removeprefix("update-key ")
    other = release(options, "key", "--key", folder / "other.key")[0].removeprefix("update-key ")
    check(key != other, "each key is its own")
    check(release(options, "key", "--key", folder / "release.key")[0].endswith(key), "a key stays what it is")
    published = folder / "published"
    published.mkdir()

    def sign(version, program, signer="release.key"):
        """A release of this program, signed; not published yet."""
        parts = folder / "parts"
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir()
        shutil.copy(options.bin / "berth-guest", parts / "berth-guest")
        if isinstance(program, str):
            (parts / "berth-host").write_text(program)
            (parts / "berth-host").chmod(0o755)
        else:
            shutil.copy(program, parts / "berth-host")
        path = release(options, "sign", "--key", folder / signer, "--bin", parts, "--out", folder / "made",
                       *(["--version", version] if version else []))[0]
        return pathlib.Path(path)

    def publish(path):
        target = published / path.parent.name
        target.mkdir(exist_ok=True)
        path.rename(target / path.name)

    def withdraw():
        shutil.rmtree(published)
        shutil.rmtree(folder / "made", ignore_errors=True)
        published.mkdir()

    flags = ["--update-key", key, "--update-every", "2", "--update-trial", "25", "--metrics-listen", "off"]
    with UpdatingMarket(options.bin, simulate_gpus=make_gpus(folder), host_options=flags,
                        server_options=["--agent-releases", str(published), "--rate-factor", "0"]) as market:
        seen = {}

        def log_since(mark):
            return (market.dir / "host.log").read_text(errors="replace")[mark:]

        def wait_log(text, mark, seconds=PATIENCE):
            wait_until(f"'{text}' in the host's log", seconds, lambda: text in log_since(mark))

        def mark():
            return len((market.dir / "host.log").read_text(errors="replace"))

        def version():
            status, reply = market.api("GET", f"/api/v0/machines/{market.machine}/", user="host")
            check(status == 200, f"the machine: {status} {reply}")
            return reply[0]["agent_version"]

        def container():
            (row,) = [c for c in market.containers() if c["Labels"]["berth.instance"] == str(seen["instance"])]
            _, body = market.engine("GET", f"/v1.41/containers/{row['Id']}/json")
            state = json.loads(body)
            return row["Id"], state["State"]["StartedAt"], state["State"]["Pid"]

        def is_untouched():
            check(container() == seen["container"], "the container is the same run as before")
            market.wait_running(seen["instance"])

        def is_back(before):
            """It is connected again, after the last trial."""
            return '"connected"' in log_since(before).rpartition("update rolled back")[2]

        def goes_on():
            """What was installed runs, and the renter's container is what it was."""
            check(version() == seen["version"], f"version {version()} runs")
            is_untouched()

        def without_a_release():
            market.list_machine()
            market.import_busybox()
            seen["version"] = version()
            seen["instance"] = market.rent(wait_until("offers", 30, market.offers)[0]["id"], image="bb:1",
                                           onstart="touch /root/started")
            market.wait_running(seen["instance"])
            seen["container"] = container()
            time.sleep(4)  # it asks twice
            check("update" not in log_since(0).replace("update-", ""), "nothing is said where there is nothing")
            check(len(children(market.host.pid)) == 1, "a launcher, and one agent")
            is_untouched()

        def refuses(path, text):
            before, agent = mark(), children(market.host.pid)
            publish(path)
            wait_log(text, before)
            check(children(market.host.pid) == agent, "the agent was not restarted")
            check(kept(market) == [], f"nothing was kept: {kept(market)}")
            withdraw()
            goes_on()

        def forged():
            refuses(sign(NEXT, options.bin / "next/berth-host", "other.key"),
                    "not signed by this host's update-key")

        def spoilt():
            path = sign(NEXT, options.bin / "next/berth-host")
            spoil(path / "berth-host")
            refuses(path, "is not what was signed")

        def longer():
            path = sign(NEXT, options.bin / "next/berth-host")
            with open(path / "berth-host", "ab") as file:
                file.write(b"x")
            refuses(path, "berth-host of 99.0.0: ")

        def another_system():
            path = sign(NEXT, options.bin / "next/berth-host")
            text = (path / "release.json").read_text()
            (path / "release.json").write_text(text.replace(path.parent.name, "plan9-4-mips"))
            refuses(path, "not signed by this host's update-key")

        def older():
            refuses(sign("0.0.1", options.bin / "next/berth-host"), "is older than")

        def cut_off():
            market.proxy.cuts_after = 100000
            before = mark()
            publish(sign(NEXT, options.bin / "next/berth-host"))
            wait_log("update not taken", before)
            check(market.proxy.cuts > 0, "the wire was cut")
            check(kept(market) == [], f"nothing was kept: {kept(market)}")
            withdraw()
            market.proxy.cuts_after = None
            goes_on()

        def dies():
            before = mark()
            publish(sign("98.0.0", "#!/bin/sh\nexit 3\n"))
            wait_log("update rolled back", before)
            check("version 98.0.0 ended with 3" in log_since(before), "it says how it ended")
            wait_log("update given up", before, 4 * PATIENCE)
            wait_until("what was installed is back", PATIENCE, lambda: is_back(before))
            check(log_since(before).count("update rolled back") == 3, "three trials, and no more")
            goes_on()
            after = mark()
            time.sleep(5)
            check("98.0.0" not in log_since(after), "what was given up is not tried again")
            withdraw()

        def hangs():
            before, began = mark(), time.monotonic()
            publish(sign("98.0.1", "#!/bin/sh\nexec sleep 1000\n"))
            wait_log("had no heartbeat accepted within 25 s", before, 2 * PATIENCE)
            check(time.monotonic() - began >= 25, "it had its time")
            withdraw()
            wait_until("what was installed is back", PATIENCE, lambda: is_back(before))
            goes_on()

        def machine_key():
            return (market.dir / "host/machine.key").read_text()

        def key_since():
            status, reply = market.api("GET", f"/api/v0/machines/{market.machine}/", user="host")
            check(status == 200, f"the machine: {status} {reply}")
            return reply[0]["key_since"]

        def another_key():
            before, first, since = mark(), machine_key(), key_since()
            reply = subprocess.run([options.bin / "berth-host", "turn-key", "--data", market.dir / "host"],
                                   capture_output=True, text=True, timeout=60, check=False)
            check(reply.returncode == 0 and "is turned" in reply.stdout, f"turn-key: {reply}")
            second = machine_key()
            check(second != first, "its key is another")
            check((market.dir / "host/machine.first").read_text() == first[64:], "it is called what it was")
            wait_until("a session by the new key", PATIENCE, lambda: '"connected"' in log_since(before))
            check(key_since() > since, "the market says since when")
            goes_on()
            market.stop_host()
            with sqlite3.connect(market.dir / "server/berth.sqlite", timeout=30) as db:
                db.execute("UPDATE machine SET former_until_us = 1")  # a day passes
            db.close()
            market.host_options += ["--turn-key-every", "3"]
            market.start_host()
            wait_until("it turns by itself", PATIENCE, lambda: log_since(before).count('"key turned"') >= 2)
            wait_until("and not twice a day", PATIENCE, lambda: "is good until" in log_since(before))
            check(machine_key() != second, "its key is another")
            market.stop_host()
            market.host_options = market.host_options[:-2]
            market.start_host()
            status = subprocess.run([options.bin / "berth-host", "status", "--data", market.dir / "host"],
                                    capture_output=True, text=True, timeout=60, check=True)
            check("key: 0 days old" in status.stdout, f"its age is shown: {status.stdout}")
            goes_on()

        def good():
            before = mark()
            file = options.bin / "berth-host"
            seen["file"] = file.read_bytes()
            publish(sign(None, options.bin / "next/berth-host"))
            wait_log("update confirmed", before, 2 * PATIENCE)
            wait_until("the market knows", PATIENCE, lambda: version() == NEXT)
            check(market.host.poll() is None, "the launcher goes on")
            check(file.read_bytes() == seen["file"], "what was installed is as it was")
            check(kept(market) == [NEXT], f"only it is kept: {kept(market)}")
            is_untouched()
            check(market.ssh(seen["instance"], "ls /root/started").returncode == 0, "its renter is let in")
            (agent,) = children(market.host.pid)
            check(os.readlink(f"/proc/{agent}/exe").endswith(f"updates/{NEXT}/berth-host"), "it is what runs")

        def restart():
            before = mark()
            market.stop_host()
            market.start_host()
            check("on trial" not in log_since(before), "what is confirmed is on trial no more")
            check(version() == NEXT, "the newest one runs again")
            is_untouched()

        def killed():
            """Nobody is left alone: a launcher that dies takes its agent with it, at once."""
            (agent,) = children(market.host.pid)
            market.kill("host")
            wait_until("the agent is gone", 10, lambda: not pathlib.Path(f"/proc/{agent}").exists())
            market.start_host()
            is_untouched()

        def spoilt_at_home():
            before = mark()
            market.stop_host()
            spoil(market.dir / "host/updates" / NEXT / "berth-host")
            withdraw()
            market.start_host()
            check("update runs" not in log_since(before), "it is not started")
            check(version() == seen["version"], "what was installed runs in its place")
            is_untouched()

        def without_a_key():
            market.stop_host()
            market.host_options = ["--metrics-listen", "off"]
            market.start_host()
            agent = os.readlink(f"/proc/{market.host.pid}/exe")
            check(agent.endswith("bin/berth-host"), "there is no launcher")
            is_untouched()

        def the_books():
            market.destroy(seen["instance"])
            market.check_books()

        steps([("a host without a release stays what it is", without_a_release),
               ("a release that another key signed is refused", forged),
               ("a release with a byte that is wrong is refused", spoilt),
               ("a release with a byte too many is refused", longer),
               ("a release for another system is refused", another_system),
               ("an older release is refused", older),
               ("a download that is cut off leaves nothing", cut_off),
               ("a release that dies is rolled back, and given up", dies),
               ("a release that hangs is rolled back", hangs),
               ("the machine's key is turned, and nobody's work ends", another_key),
               ("a good release runs, and nobody's work ends", good),
               ("it runs again after a restart", restart),
               ("an agent never outlives its launcher", killed),
               ("a release that was spoilt at home is not started", spoilt_at_home),
               ("without the key there is no launcher", without_a_key),
               ("the books are sound", the_books)])


def make_gpus(folder):
    path = folder / "gpus"
    path.write_text("RTX 4090, 24564, 1\n")
    return path


def kept(market):
    updates = market.dir / "host/updates"
    return sorted(p.name for p in updates.iterdir() if p.is_dir()) if updates.exists() else []


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


if __name__ == "__main__":
    main(run)
