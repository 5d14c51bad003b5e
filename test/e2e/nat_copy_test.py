#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies from instance to instance on two hosts, neither of which reaches the other: through the relay, from one
that runs and from one that is stopped, as `berth copy` asks for them; and a whole instance that moves from one host to
the other, as `berth migrate` does it."""

import hashlib
import json
import os
import subprocess
import sys

from market import steps, stop
from nat import SERVER, main, make_market
from patience import check, wait_until

SIZE = 20_000_000


class SecondHost:
    """berth-host in `host2`, with an engine of its own."""

    def __init__(self, market, topology):
        self.market, self.topology = market, topology
        self.process = None

    def __enter__(self):
        market = self.market
        self.log = open(market.dir / "host2.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [*self.topology.enter("host2"), market.bin / "berth-host", "run", "--server", market.url, "--data",
             market.dir / "host2", "--private-engine", "--ports", "43000-43099", "--token", market.token()],
            stdout=self.log, stderr=self.log)
        line = market.wait_line("host2.log", "berth-host: connected as machine ", self.process, 0, 60)
        self.machine = int(line.rsplit(" ", 1)[1])
        return self

    def __exit__(self, kind, value, trace):
        stop(self.process)
        if kind is not None:
            print("--- host2.log", *(self.market.dir / "host2.log").read_text().splitlines()[-25:], sep="\n",
                  file=sys.stderr)
        subprocess.run([self.market.bin / "berth-host", "stop-engine", "--data", self.market.dir / "host2"],
                       stdout=self.log, stderr=self.log, timeout=60, check=False)
        subprocess.run(["umount", "-q", self.market.dir / "host2/engine/data"], check=False,
                       stderr=subprocess.DEVNULL)
        self.log.close()


class Copies:
    def __init__(self, market, second):
        self.market, self.second = market, second
        self.one = self.two = None

    def cases(self):
        names = ["an_instance_on_each", "they_do_not_reach_each_other", "a_folder_goes_over", "and_only_what_changed",
                 "from_one_that_is_stopped", "to_one_that_is_stopped", "what_is_not_there_is_said",
                 "one_that_runs_does_not_migrate", "a_dry_run_changes_nothing", "a_whole_instance_migrates",
                 "no_key_of_it_is_left"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def an_instance_on_each(self):
        market = self.market
        market.list_machine()
        market.berth("list", "machine", self.second.machine, "-g", "0.36", "-s", "0.15", "-m", "1", user="host")
        offers = wait_until("two offers", 20, lambda: self.offers() if len(self.offers()) == 2 else None)
        ids = [market.rent(offers[machine], "bb:1", runtype="ssh_proxy", label="work", env={"MOOD": "good"},
                           onstart="echo started >>/starts")
               for machine in (market.machine, self.second.machine)]
        self.one, self.two = ids
        rows = [market.wait_running(number, 120) for number in ids]
        check({row["ssh_host"] for row in rows} == {SERVER}, "both are reached through the relay")
        check(len({row["machine_id"] for row in rows}) == 2, "on two machines")
        self.data = os.urandom(SIZE)
        market.ssh(self.one, "mkdir -p '/data/a dir' && cat >/data/large && echo small >'/data/a dir/f'",
                   input=self.data, text=False)

    def offers(self):
        return {row["machine_id"]: row["id"] for row in self.market.offers()}

    def they_do_not_reach_each_other(self):
        for place, address in (("host", "192.168.78.2"), ("host2", "192.168.77.2")):
            done = subprocess.run([*self.second.topology.enter(place), "ping", "-c", "1", "-W", "1", address],
                                  capture_output=True, check=False)
            check(done.returncode != 0, f"{place} reaches {address}")

    def copy(self, source, target, ok=True):
        """Asked for by `berth copy`, which tells how it ended."""
        return self.market.berth("copy", source, target, "-i", self.market.ssh_key, stdin=subprocess.DEVNULL, ok=ok)

    def sum_of(self, number, path):
        return self.market.ssh(number, f"sha256sum {path}").stdout.split()[0]

    def a_folder_goes_over(self):
        self.copy(f"{self.one}:/data/", f"{self.two}:/got/")
        wait_until("it is there", 60, lambda: self.market.ssh(self.two, "cat '/got/a dir/f'", ok=False).stdout ==
                   "small\n", 0.5)
        wait_until("and whole", 60, lambda: self.sum_of(self.two, "/got/large") ==
                   hashlib.sha256(self.data).hexdigest(), 0.5)
        said = wait_until("how it ended is told", 20, lambda: self.said("done"))
        check(str(self.one) in said, f"from where: {said}")

    def said(self, word):
        text = self.market.instance(self.two)["status_msg"] or ""
        return text if word in text else None

    def and_only_what_changed(self):
        market = self.market
        before = market.sql("SELECT bytes_up FROM contract WHERE id = ?", self.one)[0][0]
        market.ssh(self.one, "echo changed >'/data/a dir/f'")
        self.copy(f"{self.one}:/data/", f"{self.two}:/got/")
        wait_until("it has changed", 60, lambda: market.ssh(self.two, "cat '/got/a dir/f'").stdout == "changed\n", 0.5)
        more = market.sql("SELECT bytes_up FROM contract WHERE id = ?", self.one)[0][0] - before
        check(before >= SIZE, f"the first copy is in the source's traffic: {before}")
        check(more < SIZE / 4, f"the second moved {more} bytes")

    def stop(self, number):
        self.market.berth("stop", "instance", number)
        wait_until("it stops", 60, lambda: self.market.instance(number)["actual_status"] in ("stopped", "exited"))

    def from_one_that_is_stopped(self):
        self.stop(self.one)
        self.copy(f"{self.one}:/data/large", f"{self.two}:/again/")
        wait_until("it is there", 90, lambda: hashlib.sha256(self.data).hexdigest() in self.market.ssh(
            self.two, "sha256sum /again/large", ok=False).stdout, 0.5)

    def to_one_that_is_stopped(self):
        self.market.berth("start", "instance", self.one)
        self.market.wait_running(self.one, 90)
        self.stop(self.two)
        self.copy(f"{self.one}:/data/a dir/f", f"{self.two}:/late/")
        wait_until("it has ended", 60, lambda: self.said("done"), 0.5)
        self.market.berth("start", "instance", self.two)
        self.market.wait_running(self.two, 90)
        check(self.market.ssh(self.two, "cat /late/f").stdout == "changed\n", "it is there")

    def what_is_not_there_is_said(self):
        self.copy(f"{self.one}:/nowhere", f"{self.two}:/x/", ok=False)
        wait_until("why it failed is told", 60, lambda: self.said("No such file"), 0.5)

    def migrate(self, *words, ok=True):
        return self.market.berth("migrate", self.one, *words, stdin=subprocess.DEVNULL, ok=ok)

    def one_that_runs_does_not_migrate(self):
        self.market.place = "host2"
        self.market.destroy(self.two)  # so that its machine can be rented
        self.market.place = "host"
        wait_until("it is offered again", 20, lambda: self.second.machine in self.offers())
        done = self.migrate("--yes", ok=False)
        check(done.returncode == 1 and "stop it first" in done.stderr, f"refused: {done.stderr}")

    def a_dry_run_changes_nothing(self):
        market = self.market
        market.ssh(self.one, "cd /data && ln large again && ln -s large link && chmod 4711 'a dir/f' && "
                             "chown 12:34 'a dir/f' && touch -d 2001-02-03 old")
        self.facts = market.ssh(self.one, self.FACTS).stdout
        self.stop(self.one)
        said = self.migrate("--dry-run").stdout
        check(f"machine {self.second.machine}," in said and "Takes" in said and "an hour" in said, f"says where: {said}")
        done = self.migrate(ok=False)
        check(done.returncode == 2 and "--yes" in done.stderr, f"somebody has to agree: {done.stderr}")
        check(len(json.loads(market.berth("show", "instances", "--raw").stdout)) == 1, "nothing is rented")

    FACTS = "cd /data && find . | sort | xargs -d '\\n' stat -c '%n %a %u:%g %h %Y %N' && sha256sum large; ls /bin | sort"

    def a_whole_instance_migrates(self):
        market, old = self.market, self.one
        was = market.instance(old)
        reply = json.loads(self.migrate("--yes", "--raw").stdout)
        check(reply["old_contract"] == old, f"what went: {reply}")
        self.one = reply["new_contract"]
        row = market.wait_running(self.one, 90)
        check(row["machine_id"] == self.second.machine, "on the other machine")
        for name in ("label", "image_uuid", "onstart", "disk_space", "extra_env", "image_runtype"):
            check(row[name] == was[name], f"{name} is as it was: {row[name]} {was[name]}")
        now = market.ssh(self.one, self.FACTS).stdout
        check(now == self.facts, f"its files are as they were:\n{self.facts}\nnow:\n{now}")
        said = market.ssh(self.one, "hostname; cat /starts; grep -c C. /etc/hosts; echo $MOOD").stdout.split()
        check(said[0] == f"C.{self.one}" and said[-1] == "good" and said.count("started") >= 2, f"it is itself: {said}")
        check(market.instance(old) is None, "the old one is gone")

    def no_key_of_it_is_left(self):
        """What the SSH fronts know of copies goes with them."""
        for place in ("host", "host2"):
            wait_until(f"{place} is told of no copy", 20, lambda: '"copies"' not in (
                self.market.dir / place / "desired.json").read_text())
        self.market.place = "host2"
        self.market.destroy(self.one)


def run(options, topology):
    topology.add_host()
    with make_market(topology, options.bin) as market, SecondHost(market, topology) as second:
        market.import_busybox()
        market.place = "host2"
        market.wait_engine()
        market.import_busybox()
        market.place = "host"
        steps(Copies(market, second).cases())
        market.check_books()


if __name__ == "__main__":
    main(run)
