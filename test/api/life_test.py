#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What happens over time: polls that are held, events as they happen, sessions that end, and a server
that starts, is alone in its folder, and stops."""

import http.client
import json
import os
import pathlib
import signal
import stat
import subprocess
import threading
import time
import unittest

from world import BIN, World
from patience import wait_until

SOON_S = 3


class Poll(threading.Thread):
    """A poll for the desired state, held on a thread of its own."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        path = f"/agent/v1/desired?after={machine.rev}"
        self.headers = machine.headers("GET", path, "poll", b"")
        self.world, self.path = machine.world, path
        self.status = self.took = None
        self.start()

    def run(self):
        began = time.monotonic()
        self.status = self.world.call("GET", self.path, headers=self.headers)[0]
        self.took = time.monotonic() - began

    def is_held(self):
        self.join(0.3)
        return self.status is None


class Events:
    """An open stream of events."""

    def __init__(self, person):
        world = person.world
        self.connection = http.client.HTTPConnection(world.host, world.port, timeout=SOON_S)
        self.connection.request("GET", "/api/v0/events", headers={"Authorization": f"Bearer {person.key}"})
        self.reply = self.connection.getresponse()
        self.type = self.reply.getheader("Content-Type")

    def close(self):
        self.reply.close()
        self.connection.close()

    def next(self):
        """Name and data of the next one; comments in between are passed over."""
        name = None
        while True:
            line = self.reply.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))
            elif line == "" and self.reply.isclosed():
                raise AssertionError("the stream ended")

    def until(self, wanted):
        for _ in range(50):
            name, data = self.next()
            if wanted(name, data):
                return data
        raise AssertionError("it never came")


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.bo = cls.world.user("bo", credit="25.00")
        cls.hal = cls.world.user("hal")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def machine(self):
        machine = self.hal.machine(gpus=1)
        machine.follow()
        listed = self.hal.ok("PUT", "/api/v0/machines/create_asks/", {"machine": machine.id, "price_gpu": 0.36})
        self.assertEqual(listed["extended"], 0)  # clients compare it with a number
        machine.follow()
        return machine

    def rent(self, machine):
        query = {"machine_id": {"eq": machine.id}, "rentable": {"eq": True}}
        offers = wait_until("an offer", 30, lambda: self.world.call("POST", "/api/v0/bundles/", query)[1]["offers"])
        return self.ada.ok("PUT", f"/api/v0/asks/{offers[0]['id']}/", {"image": "bb:1"})["new_contract"]

    def test_a_held_poll_is_answered_at_once_when_something_changes(self):
        machine = self.machine()
        poll = Poll(machine)
        self.assertTrue(poll.is_held())
        began = time.monotonic()
        number = self.rent(machine)
        poll.join(SOON_S)
        self.assertEqual(poll.status, 200)
        self.assertLess(time.monotonic() - began, 1)
        machine.follow()
        self.assertEqual([one["id"] for one in machine.desired["instances"]], [number])

    def test_a_second_poll_takes_the_place_of_the_first(self):
        machine = self.machine()
        first = Poll(machine)
        self.assertTrue(first.is_held())
        second = Poll(machine)
        first.join(SOON_S)
        self.assertEqual(first.status, 204)
        self.assertTrue(second.is_held())
        self.rent(machine)
        second.join(SOON_S)
        self.assertEqual(second.status, 200)

    def test_a_new_session_ends_the_old_one(self):
        machine = self.machine()
        poll = Poll(machine)
        self.assertTrue(poll.is_held())
        old = machine.epoch
        machine.open()
        poll.join(SOON_S)
        self.assertIn(poll.status, (204, 409))
        new, machine.epoch = machine.epoch, old
        self.assertEqual(machine.send("GET", "/agent/v1/desired?after=0", "poll")[0], 409)
        machine.epoch = new
        machine.seqs = dict.fromkeys(machine.seqs, 0)
        machine.beat()

    def test_a_request_that_comes_twice_is_not_taken_twice(self):
        machine = self.machine()
        path = "/agent/v1/desired?after=0"
        headers = machine.headers("GET", path, "poll", b"")
        status, reply = self.world.call("GET", path, headers=headers)
        self.assertEqual((status, reply["session_epoch"]), (200, machine.epoch))
        self.assertEqual(self.world.call("GET", path, headers=headers)[0], 204)
        bent = headers | {"Berth-Seq": str(int(headers["Berth-Seq"]) + 1)}
        self.assertEqual(self.world.call("GET", path, headers=bent)[0], 401)

    def test_events_tell_what_happens_as_it_happens(self):
        machine = self.machine()
        events, others = Events(self.ada), Events(self.bo)
        self.addCleanup(events.close)
        self.addCleanup(others.close)
        self.assertEqual(events.type, "text/event-stream")
        name, first = events.next()
        self.assertEqual(name, "balance")
        self.assertGreater(first["credit"], 20)
        self.assertEqual(others.next()[0], "balance")
        number = self.rent(machine)
        events.until(lambda name, data: name == "instance" and data["id"] == number)
        machine.follow()
        events.until(lambda name, data: name == "instance" and data["id"] == number
                     and data["actual_status"] == "running")
        self.ada.ok("DELETE", f"/api/v0/instances/{number}/", {})
        events.until(lambda name, data: name == "gone" and data["id"] == number)
        self.world.admin("credit", "grant", "--user", str(self.ada.id), "--amount", "5")
        events.until(lambda name, data: name == "balance" and data["credit"] > first["credit"] + 4)
        # Nobody else hears of any of it.
        self.world.admin("credit", "grant", "--user", str(self.bo.id), "--amount", "5")
        self.assertEqual(others.until(lambda name, data: True).get("id"), None)

    def test_metrics_count_what_was_done(self):
        operator = self.world.user("metrics", is_admin=True)
        connection = http.client.HTTPConnection(self.world.host, self.world.port, timeout=10)
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {operator.key}"})
        reply = connection.getresponse()
        self.assertEqual(reply.getheader("Content-Type"), "text/plain; version=0.0.4")
        lines = reply.read().decode().splitlines()
        connection.close()
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        self.assertEqual(len(values), sum(not line.startswith("#") for line in lines), "no line twice")
        self.assertGreater(int(values["process_resident_memory_bytes"]), 1 << 20)
        self.assertGreater(float(values["berth_uptime_seconds"]), 0)
        self.assertGreaterEqual(int(values["berth_ledger_newest_journal"]), 2, "two grants of credit")
        for name in ("berth_heartbeats_total{outcome=\"accepted\"}", "berth_agents_connected",
                     "berth_store_commits_total", "berth_http_request_seconds_count"):
            self.assertTrue(any(key.startswith(name) for key in values), name)


class Alone(unittest.TestCase):
    def serve(self, *words):
        return subprocess.run([BIN / "berthd", "serve", *words], capture_output=True, text=True,
                              timeout=30, check=False)

    def test_one_server_serves_from_a_folder(self):
        with World() as world:
            done = self.serve("--data", world.data, "--listen", "127.0.0.1:0")
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr.strip(),
                             f"berthd serve: process {world.server.pid} serves from {world.data} already")
            done = self.serve("--data", world.dir / "other", "--listen", world.address)
            self.assertEqual(done.returncode, 1)
            self.assertIn("berthd serve: ", done.stderr.splitlines()[-1])

    def test_wrong_usage_is_2_and_one_line(self):
        for words in ([], ["--data"], ["--data", "/tmp/x", "y"], ["--nonsense"],
                      ["--config", "/nonexistent/berth.conf"]):
            done = self.serve(*words)
            with self.subTest(words=words):
                self.assertEqual(done.returncode, 1 if "--config" in words else 2, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_the_folder_is_the_servers_alone(self):
        with World() as world:
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in world.data.iterdir()}
            self.assertEqual(stat.S_IMODE(world.data.stat().st_mode), 0o700)
            self.assertEqual(modes["server.key"], 0o600)
            limits = pathlib.Path(f"/proc/{world.server.pid}/limits").read_text()
            core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
            self.assertEqual(core.split()[4:6], ["0", "0"])

    def test_options_come_from_a_file_too(self):
        with World() as world:
            path = world.dir / "berth.conf"
            path.write_text(f"# a market\ndata {world.dir}/other\nlisten 127.0.0.1:0\nauto-verify\n")
            process = subprocess.Popen([BIN / "berthd", "serve", "--config", path],
                                       stderr=subprocess.PIPE, text=True)
            line = next(line for line in process.stderr if "ready" in line)
            self.assertTrue(line.startswith("berthd: ready on http://127.0.0.1:"))
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)
            process.stderr.close()

    def test_it_stops_at_once_with_everybody_waiting_and_goes_on_where_it_was(self):
        with World() as world:
            ada, hal = world.user("ada", credit="5"), world.user("hal")
            machine = hal.machine(gpus=1)
            machine.follow()
            poll, events = Poll(machine), Events(ada)
            self.addCleanup(events.close)
            events.next()
            self.assertTrue(poll.is_held())
            began = time.monotonic()
            world.server.send_signal(signal.SIGTERM)
            self.assertEqual(world.server.wait(10), 0)
            self.assertLess(time.monotonic() - began, 8)
            poll.join(SOON_S)
            self.assertIn(poll.status, (204, 503))
            world.server = subprocess.Popen(
                [BIN / "berthd", "serve", "--data", world.data, "--listen", world.address,
                 "--auto-verify"], stderr=world.log, stdout=world.log)
            for _ in range(200):
                try:
                    world.call("GET", "/healthz")
                    break
                except OSError:
                    time.sleep(0.05)
            # The session goes on, and so do the sequence numbers.
            machine.beat()
            self.assertEqual(machine.send("GET", "/agent/v1/desired?after=0", "poll")[0], 200)
            check = subprocess.run([BIN / "berthd", "check", "--data", world.data], capture_output=True,
                                   text=True, timeout=60, check=False)
            self.assertEqual(check.returncode, 0, check.stdout + check.stderr)


if __name__ == "__main__":
    os.environ.pop("BERTH_LOG", None)
    unittest.main()
