#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What does not answer at once: event streams, held polls, callers that are too many, and a stop in
the middle of it all."""

import concurrent.futures
import json
import signal
import time
import unittest

from world import World
from patience import wait_until


class Events:
    """One listener: the lines of its stream, as (event, data)."""

    def __init__(self, person):
        self.connection = person.world.socket()
        self.connection.sendall(f"GET /api/v0/events?api_key={person.key} HTTP/1.1\r\n"
                                "Host: h\r\n\r\n".encode())
        self.file = self.connection.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self.file.readline()

    def next(self, wanted=None, seconds=5):
        self.connection.settimeout(seconds)
        name = None
        while True:
            line = self.file.readline()
            if not line:
                return None
            text = line.decode().strip()
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: ") and wanted in (None, name):
                return name, json.loads(text.removeprefix("data: "))

    def close(self):
        self.file.close()
        self.connection.close()


class Live(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.ada = self.world.user("ada", credit="25.00")
        self.bo = self.world.user("bo", credit="25.00")
        self.hal = self.world.user("hal")
        self.machine = self.hal.machine(gpus=1)
        self.machine.follow()
        self.hal.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": self.machine.id, "price_gpu": 0.36})
        self.machine.follow()

    def tearDown(self):
        self.world.__exit__(None, None, None)

    def rent(self):
        found = wait_until("an offer", 30, lambda: self.world.call("POST", "/api/v0/bundles/", {})[1]["offers"])
        return self.ada.ok("PUT", f"/api/v0/asks/{found[0]['id']}/", {
            "image": "ubuntu", "disk": 8, "runtype": "ssh"})["new_contract"]

    def test_events_tell_what_changes_and_only_to_whom_it_belongs(self):
        ada, bo = Events(self.ada), Events(self.bo)
        self.addCleanup(ada.close)
        self.addCleanup(bo.close)
        self.assertIn(b" 200 ", ada.head.split(b"\r\n")[0])
        self.assertIn(b"\r\nContent-Type: text/event-stream\r\n", ada.head)
        self.assertEqual(ada.next()[0], "balance")
        self.assertEqual(bo.next()[0], "balance")
        number = self.rent()
        row = ada.next("instance")[1]
        self.assertEqual(row["id"], number)
        self.world.checker.check_members("event", self.world.checker.api.schemas["Instance"], row,
                                         True)
        self.machine.follow()
        while ada.next("instance")[1]["actual_status"] != "running":
            continue
        self.ada.ok("DELETE", f"/api/v0/instances/{number}/", {})
        self.assertEqual(ada.next("gone")[1], {"id": number})
        with self.assertRaises(TimeoutError):
            bo.next("instance", seconds=0.5)

    def test_a_held_poll_is_answered_when_there_is_something_to_do(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            poll = pool.submit(self.machine.poll)
            time.sleep(0.5)
            self.assertFalse(poll.done())
            number = self.rent()
            begun = time.monotonic()
            self.assertEqual(poll.result(10), 200)
            self.assertLess(time.monotonic() - begun, 1)
        self.assertEqual([one["id"] for one in self.machine.desired["instances"]], [number])

    def test_who_calls_too_often_is_told_when_to_come_back(self):
        """The limit for secrets: 200 at once, then 10 a second. Others go on unharmed."""
        refused = 0
        for _ in range(320):
            status, _ = self.ada.call("POST", "/api/v0/auth/apikeys/", {"name": ""})
            self.assertIn(status, (400, 429))
            refused += status == 429
        self.assertGreater(refused, 20)
        self.assertEqual(self.ada.call("GET", "/api/v0/users/current")[0], 200)
        self.assertEqual(self.bo.call("POST", "/api/v0/auth/apikeys/", {"name": ""})[0], 400)
        time.sleep(0.3)
        self.assertEqual(self.ada.call("POST", "/api/v0/auth/apikeys/", {"name": ""})[0], 400)

    def test_a_stop_ends_streams_and_polls_in_good_time(self):
        events = Events(self.ada)
        self.addCleanup(events.close)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            poll = pool.submit(self.machine.poll)
            time.sleep(0.3)
            begun = time.monotonic()
            self.world.server.send_signal(signal.SIGTERM)
            self.assertIn(poll.result(10), (204, 503))
        while events.next() is not None:
            continue
        self.assertEqual(self.world.server.wait(10), 0)
        self.assertLess(time.monotonic() - begun, 5)


if __name__ == "__main__":
    unittest.main()
