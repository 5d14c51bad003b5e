# SPDX-License-Identifier: Apache-2.0
"""What tests expect, and how long they wait for it."""

import threading
import time


class Failure(AssertionError):
    """What was expected, and what came instead."""


def check(condition, text):
    if not condition:
        raise Failure(text)


class Running:
    """The time in which this process ran: a long test may be halted for a while, with all that it started."""

    def __init__(self):
        self.halted = 0.0
        self.thread = None

    def watch(self):
        while True:
            before = time.monotonic()
            time.sleep(1)
            late = time.monotonic() - before - 1
            if late > 5:
                self.halted += late

    def seconds(self):
        if self.thread is None:
            self.thread = threading.Thread(target=self.watch, daemon=True)
            self.thread.start()
        return time.monotonic() - self.halted

    def is_past(self, end):
        if self.seconds() > end:
            time.sleep(1.5)  # the watch may have to catch up
        return self.seconds() > end


running = Running()


def wait_until(what, seconds, probe, pause=0.05):
    """The first true value of `probe`, which is asked until `seconds` have passed."""
    end = running.seconds() + seconds
    while True:
        value = probe()
        if value:
            return value
        if running.is_past(end):
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(pause)
