#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A backup taken under load, and the market restored from it: no instance is stopped or deleted, the gap is
explained, nothing changes before an operator says so, and afterwards the market goes on.

    restore_test.py --bin build/bin
"""

import argparse
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from kill_test import GPUS, Market, Renter  # noqa: E402
from patience import Failure, check, wait_until  # noqa: E402

LEAP = 1000000


class Restore:
    def __init__(self, market, folder):
        self.market, self.folder = market, folder
        self.passed = 0

    def say(self, what):
        self.passed += 1
        print(f"ok {self.passed} - {what}", flush=True)

    def berthd(self, *words, status=0):
        done = subprocess.run([self.market.bin / "berthd", *words], capture_output=True, text=True, timeout=300,
                              check=False)
        check(done.returncode == status, f"{words}: {done.returncode}, {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def log_lines(self):
        """What hosts did to instances, in order."""
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        return [line.split(": ", 1)[1] for line in lines if line.startswith("sim-host: instance ")]

    def rent_once(self, renter):
        for offer in self.market.call("GET", "/api/v0/bundles/", key=renter["api_key"])[1]["offers"]:
            # The same once more, of an offer of several GPUs, would be taken for the same rental.
            wish = {"image": "bb:1", "disk": 8, "label": secrets.token_hex(4)}
            status, reply = self.market.call("PUT", f"/api/v0/asks/{offer['id']}/", wish,
                                             renter["api_key"]) if offer["num_gpus"] == 1 else (0, None)
            if status == 200:
                return reply["new_contract"]
        return None

    def rent(self, renter):
        instance = wait_until("an offer of one GPU", 30, lambda: self.rent_once(renter))
        wait_until(f"instance {instance} runs", 30, lambda: f"instance {instance} starts" in self.log_lines())
        return instance

    def prepare(self, renters):
        """Quiet ones that must live, and a crowd that changes things all the while."""
        self.kept = [self.rent(renters[0]) for _ in range(2)]
        self.destroyed = self.rent(renters[0])
        self.crowd = [Renter(self.market, renter, 1) for renter in renters[1:3]]
        for renter in self.crowd:
            renter.start()
        time.sleep(2)

    def test_backup(self):
        key = self.folder / "key"
        key.write_text(secrets.token_hex(32))
        key.chmod(0o600)
        self.key = str(key)
        to = self.folder / "backups"
        words = ("backup", "--data", str(self.market.data), "--to", str(to), "--key-file", self.key, "--keep", "2")
        for _ in range(3):
            said = self.berthd(*words)
            check("sound" in said, said)
        kept = sorted(to.iterdir())
        check(len(kept) == 2 and all(path.name.endswith(".sqlite.sealed") for path in kept), f"two are kept: {kept}")
        check(b"SQLite format" not in kept[-1].read_bytes(), "sealed")
        self.backup = kept[-1]
        self.say("backups under load: each is sound, two of three are kept, sealed")

    def test_gap(self, renters):
        """What the books will not know."""
        self.unknown = self.rent(renters[0])
        status, reply = self.market.call("DELETE", f"/api/v0/instances/{self.destroyed}/", {}, renters[0]["api_key"])
        check(status == 200, f"destroyed: {reply}")
        wait_until("it goes", 30, lambda: f"instance {self.destroyed} goes" in self.log_lines())
        for renter in self.crowd:
            renter.stopping.set()
        for renter in self.crowd:
            renter.join(60)
        self.market.kill()

    def test_restore(self):
        check("move it away" in self.berthd("restore", "--data", str(self.market.data), "--from", str(self.backup),
                                            "--key-file", self.key, status=1), "books are never written over")
        for path in self.market.data.glob("berth.sqlite*"):
            path.rename(self.folder / ("lost-" + path.name))
        wrong = self.folder / "wrong"
        wrong.write_text(secrets.token_hex(32))
        wrong.chmod(0o600)
        self.berthd("restore", "--data", str(self.market.data), "--from", str(self.backup), "--key-file", str(wrong),
                    status=1)
        check(not list(self.market.data.glob("berth.sqlite*")), "nothing is left of what did not open")
        damaged = self.folder / "damaged"
        data = bytearray(self.backup.read_bytes())
        data[len(data) // 2] ^= 1
        damaged.write_bytes(data)
        self.berthd("restore", "--data", str(self.market.data), "--from", str(damaged), "--key-file", self.key, status=1)
        said = self.berthd("restore", "--data", str(self.market.data), "--from", str(self.backup), "--key-file", self.key)
        check("sound" in said and "recovery" in said, said)
        self.say("it is restored where there are no books, and only whole and with its key")

    def test_recovery(self, renters):
        self.before = self.log_lines()
        silent = self.market.hosts[-1]
        os.kill(silent.pid, signal.SIGSTOP)
        self.market.start()
        view = wait_until("two machines report", 30, lambda: self.show("2 have reported"))
        check("not reported: machine" in view, view)
        said = self.berthd("recovery", "end", "--data", str(self.market.data), status=1)
        check("have not reported" in said, said)
        for method, path, body in (("DELETE", f"/api/v0/instances/{self.kept[0]}/", {}),
                                   ("PUT", f"/api/v0/instances/{self.kept[0]}/", {"state": "stopped"})):
            status, reply = self.market.call(method, path, body, renters[0]["api_key"])
            check(status == 503 and "recovers" in reply["msg"], f"{method}: {status} {reply}")
        status, reply = self.market.call("GET", f"/api/v0/instances/{self.kept[0]}/", key=renters[0]["api_key"])
        check(status == 200, "everybody may look")
        self.say("in recovery nothing can be changed, and it does not end while a machine is silent")
        os.kill(silent.pid, signal.SIGCONT)
        view = wait_until("all machines report", 60, lambda: self.show("3 have reported"))
        check(f"in no book (made in the gap; stopped and kept at the end): instance {self.unknown} " in view, view)
        check(f"not on its machine (destroyed in the gap, or not made yet): instance {self.destroyed} " in view, view)
        check("the books end at" in view, view)
        print("# " + view.strip().replace("\n", "\n# "))
        time.sleep(12)  # more than two beats, and a look of every job
        check(self.log_lines() == self.before, f"hosts did something: {self.log_lines()[len(self.before):]}")
        self.say("the gap is explained, and no container is touched")

    def show(self, wanted):
        view = self.berthd("recovery", "show", "--data", str(self.market.data))
        return view if wanted in view else None

    def test_end(self, renters):
        self.berthd("recovery", "end", "--data", str(self.market.data))
        def is_changeable():
            status, _ = self.market.call("PUT", f"/api/v0/instances/{self.kept[0]}/", {"label": "on"},
                                         renters[0]["api_key"])
            return status == 200
        wait_until("the market goes on", 20, is_changeable)
        time.sleep(3)
        for instance in self.kept:
            after = [line for line in self.log_lines()[len(self.before):] if line.split()[1] == str(instance)]
            check(not after, f"instance {instance} ran through: {after}")
            status, reply = self.market.call("GET", f"/api/v0/instances/{instance}/", key=renters[0]["api_key"])
            check(reply["instances"]["actual_status"] == "running", f"{reply}")
        wait_until("what is in no book is stopped", 30, lambda: f"instance {self.unknown} stops" in self.log_lines())
        check(f"instance {self.unknown} goes" not in self.log_lines(), "and deleted by nobody")
        self.market.check_books()
        # What the books have again goes again, and its GPU is free: the crowd's may have all the others.
        status, reply = self.market.call("DELETE", f"/api/v0/instances/{self.destroyed}/", {}, renters[0]["api_key"])
        check(status == 200, f"destroyed once more: {reply}")
        check(self.rent(renters[0]) > LEAP, "no id is given out twice")
        self.market.check_books()
        self.say("after it the market goes on: what ran runs, books are sound, ids are new")

    def run(self):
        self.market.start()
        renters = self.market.settle()
        check(GPUS * len(self.market.hosts) >= 12, "room for all")
        self.prepare(renters)
        self.test_backup()
        self.test_gap(renters)
        self.test_restore()
        self.test_recovery(renters)
        self.test_end(renters)
        return self.passed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-restore-"))
    market = Market(args.bin.resolve(), folder)
    try:
        passed = Restore(market, folder).run()
    except (Failure, OSError) as failure:
        print(f"FAILED: {failure}")
        print((folder / "log").read_text(errors="replace")[-3000:])
        return 1
    finally:
        market.stop()
        if "passed" in locals():
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
