#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host tests its own machine as the `vastai` command line drives it (self-test machine): it finds the machine's
own offer, rents it with an image that tests, reads over HTTPS how far that is, takes the log, and destroys it
twice. The image is our own, made here: busybox, and OpenSSL to answer with."""

import pathlib
import re
import ssl
import subprocess
import tempfile
import time
import urllib.request

from market import Market, main, steps
from patience import check, wait_until

IMAGE = "self-test:1"
# What the client scans status_msg for.
TROUBLE = ("error", "failed", "exception", "traceback", "oci runtime", "permission denied")
# The members that it reads of an offer; null is allowed for the numbers alone.
NUMBERS = ("cuda_max_good", "reliability", "direct_port_count", "pcie_bw", "inet_up", "inet_down", "gpu_ram", "gpu_total_ram",
           "cpu_ram", "cpu_cores", "num_gpus", "compute_cap")
SCRIPT = b"""#!/bin/sh
cd /srv
echo 'Starting tests' > progress
openssl s_server -accept 5000 -cert c.pem -key k.pem -WWW >/dev/null 2>&1 &
sleep 1
echo 'System requirements ok' >> progress
sleep 1
echo DONE >> progress
echo 'the tests are over'
wait
"""


def with_libraries(program):
    """A program of this machine's, and what it is linked with."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
    names = {program, *re.findall(r"(/\S+)", done.stdout)}
    return {name.lstrip("/"): pathlib.Path(name).resolve().read_bytes() for name in names}


def certificate():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/k", "-out", f"{folder}/c",
                        "-days", "2", "-subj", "/CN=self-test"], check=True, capture_output=True)
        return {"srv/k.pem": pathlib.Path(f"{folder}/k").read_bytes(), "srv/c.pem": pathlib.Path(f"{folder}/c").read_bytes()}


class SelfTest:
    def __init__(self, market):
        self.market = market
        self.offer = self.id = self.row = None

    def cases(self):
        names = ["the_machine_is_listed", "its_own_offer_is_found", "it_rents_itself", "it_runs", "progress_is_read",
                 "the_log_is_taken", "it_is_destroyed_twice", "the_books_are_right"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def api(self, method, path, body=None):
        return self.market.api(method, "/api/v0" + path, body, user="host")

    def the_machine_is_listed(self):
        self.market.import_busybox(IMAGE, with_libraries("/usr/bin/openssl") | certificate() | {"verification/remote.sh": SCRIPT})
        self.market.list_machine()

    def search(self, rentable):
        return self.api("POST", "/bundles/", {
            "machine_id": {"eq": str(self.market.machine)}, "verified": {"eq": "any"}, "rentable": rentable,
            "rented": {"eq": "any"}, "order": [["score", "desc"]], "type": "on-demand", "allocated_storage": 5.0})

    def its_own_offer_is_found(self):
        status, reply = wait_until("an offer", 10, lambda: self.search({"eq": True}) if self.search({"eq": True})[1]["offers"] else None)
        check(status == 200, f"search: {status}")
        self.offer = reply["offers"][0]
        check("dlperf" not in self.offer, "what nobody has measured is left out: the client sorts by it")
        for name in NUMBERS:
            value = self.offer[name]
            check(value is None or isinstance(value, (int, float)) and not isinstance(value, bool), f"{name} is {value}")
        check(self.search({"eq": "any"})[1]["offers"], "and with rentable any")
        status, rows = self.api("GET", f"/machines/{self.market.machine}?owner=me")
        check(status == 200 and len(rows) == 1, f"the machine: {status} {rows}")

    def it_rents_itself(self):
        status, reply = self.api("PUT", f"/asks/{self.offer['id']}/", {
            "client_id": "me", "image": IMAGE, "env": {"TZ": "PDT", "XNAME": "XX4", "-p 5000:5000": "1", "-p 1234:1234": "1"},
            "price": None, "disk": 10, "label": f"vast-self-test-machine-{self.market.machine}", "extra": None,
            "onstart": "/verification/remote.sh", "image_login": None, "python_utf8": False, "lang_utf8": False,
            "use_jupyter_lab": False, "jupyter_dir": None, "force": False, "cancel_unavail": False, "template_hash_id": None,
            "user": None, "runtype": "ssh_direc ssh_proxy"})
        check(status == 200 and reply["success"], f"rent: {status} {reply}")
        self.id = reply["new_contract"]

    def show(self):
        status, reply = self.api("GET", f"/instances/{self.id}/?owner=me")
        check(status == 200, f"show: {status} {reply}")
        return reply["instances"]

    def it_runs(self):
        def probe():
            row = self.show()
            text = (row["status_msg"] or "").lower()
            check(not any(word in text for word in TROUBLE), f"a healthy instance says: {text}")
            check(row["actual_status"] not in ("offline", "stopped", "exited"), f"it is {row['actual_status']}")
            return row if (row["intended_status"], row["actual_status"]) == ("running", "running") else None

        self.row = wait_until("it runs", 60, probe, 0.2)
        check(self.row["ports"]["5000/tcp"][0]["HostPort"].isdigit(), f"ports: {self.row['ports']}")

    def progress_is_read(self):
        trusting = ssl._create_unverified_context()
        url = f"https://{self.row['public_ipaddr']}:{self.row['ports']['5000/tcp'][0]['HostPort']}/progress"

        def probe():
            try:
                with urllib.request.urlopen(url, timeout=5, context=trusting) as reply:
                    lines = reply.read().decode().split("\n")
            except OSError:
                return None
            check(not any(line.startswith("ERROR") for line in lines), f"progress: {lines}")
            return lines if "DONE" in lines else None

        check("System requirements ok" in wait_until("DONE", 30, probe, 0.3), "all lines come")

    def the_log_is_taken(self):
        status, reply = self.api("PUT", f"/instances/request_logs/{self.id}/", {"tail": "1000"})
        check(status == 200, f"log: {status} {reply}")

        def probe():
            try:
                with urllib.request.urlopen(reply["result_url"], timeout=5) as got:
                    return got.read().decode()
            except OSError:
                return None

        check("the tests are over" in wait_until("the log", 10, probe, 0.3), "what it printed is there")

    def it_is_destroyed_twice(self):
        status, reply = self.api("DELETE", f"/instances/{self.id}/", {})
        check(status == 200 and reply["success"], f"destroy: {status} {reply}")
        check(self.show() is None, "it is gone at once")
        status, reply = self.api("DELETE", f"/instances/{self.id}/", {})
        check(status == 404 and reply["error"] == "no_such_instance", f"again: {status} {reply}")

    def the_books_are_right(self):
        """What it cost the host as renter it has earned as host, but for the house's share."""
        time.sleep(1)
        self.market.check_books()


def run(options):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as gpus:
        gpus.write("RTX 4090, 24564, 1\n")
        gpus.flush()
        with Market(options.bin, simulate_gpus=gpus.name, host_credit="5.00") as market:
            steps(SelfTest(market).cases())


if __name__ == "__main__":
    main(run)
