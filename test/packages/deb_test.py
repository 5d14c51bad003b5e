#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The packages in a fresh Debian 12 or Ubuntu 24.04 that boots systemd: install, start, kill, upgrade, remove, purge.

    make deb-test    make deb-test SUITE=noble

Needs root and mmdebstrap; the distribution's own packages come from its mirror, once a run.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from machine import Machine, make_base  # noqa: E402

KILLS = 8
ENGINE_WAIT_S = 60  # INFO_PATIENCE_MS of agent/agent.c: so long an agent waits for its engine before it joins without one
SPARE_S = 60
RELEASE = "99.0.0"  # of bin/next/berth-host
HEALTH = ("curl", "-sf", "--max-time", "5", "http://127.0.0.1:8080/healthz")


def depends_of(deb):
    text = subprocess.run(["dpkg-deb", "-f", str(deb), "Depends"], capture_output=True, text=True,
                          check=True).stdout
    return [re.sub(r"\s*\(.*?\)|\|.*", "", part).strip() for part in text.split(",") if part.strip()]


class Test:
    def __init__(self, debs, newer, base, binaries):
        self.debs, self.newer, self.bin = debs, newer, binaries
        self.machine = Machine(base)
        self.passed = 0

    def say(self, what):
        self.passed += 1
        print(f"ok {self.passed} - {what}", flush=True)

    def apt(self, *words):
        return self.machine.run("apt-get", "-y", "-q", "-o", "Dpkg::Use-Pty=0", *words)

    def state(self, unit):
        return self.machine.run("systemctl", "is-active", unit, check=False).stdout.strip()

    def prepare(self):
        """What they depend on comes first, so that all that is there afterwards is ours."""
        depends = sorted({name for deb in self.debs for name in depends_of(deb)})
        self.machine.chroot("apt-get", "update", "-q")
        self.machine.chroot("apt-get", "install", "-y", "-q", "--no-install-recommends", *depends)
        for folder, debs in (("packages", self.debs), ("newer", self.newer)):
            (self.machine.tree / "var/cache" / folder).mkdir()
            for deb in debs:
                target = self.machine.tree / "var/cache" / folder / deb.name
                target.write_bytes(deb.read_bytes())
        print(f"# booted: {self.machine.boot()}", flush=True)

    def paths(self, folder, debs):
        return [f"/var/cache/{folder}/{deb.name}" for deb in debs]

    def test_install(self):
        self.apt("install", "--no-install-recommends", *self.paths("packages", self.debs))
        assert "berth:" in self.machine.run("getent", "passwd", "berth").stdout
        status = self.machine.run("stat", "-c", "%U %G %a", "/etc/berth/berthd.conf", "/var/lib/berth").stdout
        assert status.split("\n")[:2] == ["root berth 640", "berth berth 700"], status
        self.say("packages install, with a user and a folder of its own")

    def test_start(self):
        self.machine.run("systemctl", "start", "berthd")
        # Type=notify: it answers as soon as start returns.
        health = json.loads(self.machine.run(*HEALTH).stdout)
        assert health, health
        assert self.machine.run("systemctl", "is-enabled", "berthd").stdout.strip() == "enabled"
        self.say("systemctl start berthd: it answers once that returns")
        pid = self.machine.run("systemctl", "show", "-P", "MainPID", "berthd").stdout.strip()
        status = self.machine.run("cat", f"/proc/{pid}/status").stdout
        assert re.search(r"CapEff:\s+0+\n", status) and re.search(r"Seccomp:\s+2", status), status
        assert "NoNewPrivs:\t1" in status
        for folder in ("/usr", "/etc", "/home", "/var/cache"):
            run = self.machine.run("nsenter", "--target", pid, "--mount", "--", "sh", "-c",
                                   f"test -d {folder} && : >{folder}/x", check=False)
            assert run.returncode != 0, folder
        self.say("it runs without powers, behind a filter, and can write nothing but its folder")
        lines = self.machine.run("systemd-analyze", "security", "--no-pager", "berthd").stdout.splitlines()
        print(f"# {lines[-1].strip()}")

    def test_use(self):
        reply = self.machine.run("su", "-s", "/bin/sh", "berth", "-c",
                                 "berthd admin --data /var/lib/berth user create --email a@example.org --credit 5")
        key = json.loads(reply.stdout)["api_key"]
        shown = self.machine.run("env", "BERTH_URL=http://127.0.0.1:8080", f"BERTH_API_KEY={key}", "berth", "show",
                                 "user", "--raw")
        assert json.loads(shown.stdout)["credit"] == 5
        self.say("an account made by hand is served")
        self.key = key

    def pid(self):
        return self.machine.run("systemctl", "show", "-P", "MainPID", "berthd").stdout.strip()

    def test_kill(self):
        """More often than systemd lets a unit fail by default: a database may be away for longer than that takes."""
        seen = {self.pid()}
        for _ in range(KILLS):
            self.machine.run("sh", "-c", f"kill -KILL {self.pid()}")
            for _ in range(100):
                if self.machine.run(*HEALTH, check=False).returncode == 0:
                    break
                time.sleep(0.1)
            assert self.pid() not in seen | {"0"}, self.machine.run("systemctl", "status", "berthd", check=False).stdout
            seen.add(self.pid())
        self.say(f"killed {KILLS} times in a row, it is back each time by itself")

    def test_papers(self):
        for name in ("berth", "berthd", "berth-host"):
            self.machine.run("test", "-s", f"/usr/share/man/man1/{name}.1.gz")
            self.machine.run("bash", "-n", f"/usr/share/bash-completion/completions/{name}")
            # No other shell is on the machine: packages/pages runs what is in these.
            self.machine.run("test", "-s", f"/usr/share/zsh/vendor-completions/_{name}",
                             "-a", "-s", f"/usr/share/fish/vendor_completions.d/{name}.fish")
        page = subprocess.run(["zcat", self.machine.tree / "usr/share/man/man1/berthd.1.gz"], capture_output=True,
                              text=True, check=True).stdout
        for option in ("public\\-url", "relay\\-ports", "SS check"):
            assert option in page, option
        words = self.machine.run("bash", "-c", "source /usr/share/bash-completion/completions/berthd; "
                                 "COMP_WORDS=(berthd serve --pub); COMP_CWORD=2; _berthd; echo ${COMPREPLY[@]}").stdout
        assert words.strip() == "--public-url", words
        self.say("manual pages and completions know every command and option")

    def test_host(self):
        doctor = self.machine.run("berth-host", "doctor", check=False)
        assert doctor.returncode == 1
        for mend in ("apt install iptables", "systemctl start docker"):
            assert mend in doctor.stdout, (mend, doctor.stdout)
        self.say("doctor says what a bare machine lacks, and the commands that mend it")
        run = self.machine.run("berth-host", "install", "--server", "http://127.0.0.1:8080", check=False)
        assert run.returncode == 1 and "packages:" in run.stdout and "docker.io" in run.stdout, run
        assert "apt-get" in run.stderr, run.stderr
        assert not (self.machine.tree / "etc/berth/host.conf").exists()
        self.say("install without a network says which packages, and changes nothing")
        token = self.machine.run("env", "BERTH_URL=http://127.0.0.1:8080", f"BERTH_API_KEY={self.key}", "berth",
                                 "host", "token", "--raw").stdout
        (self.machine.tree / "etc/berth/host.conf").write_text(
            f"server http://127.0.0.1:8080\ntoken {json.loads(token)['token']}\nopen-network\n")
        self.machine.run("systemctl", "start", "berth-host")
        end = time.monotonic() + ENGINE_WAIT_S + SPARE_S
        while not (machines := self.machines()) and time.monotonic() < end:
            time.sleep(0.5)
        assert len(machines) == 1 and not machines[0].get("listed"), machines
        assert self.state("berth-host") == "active", self.state("berth-host")
        self.say("systemctl start berth-host: the machine joins the market, unlisted, also without an engine")

    def machines(self):
        reply = json.loads(self.machine.run(
            "env", "BERTH_URL=http://127.0.0.1:8080", f"BERTH_API_KEY={self.key}", "berth", "show", "machines",
            "--raw").stdout)
        return reply.get("machines") if isinstance(reply, dict) else reply

    def wait_version(self, version):
        """The one before waits for an engine as well, and then the one that takes its place."""
        seen, end = None, time.monotonic() + 2 * ENGINE_WAIT_S + SPARE_S
        while time.monotonic() < end:
            machines = self.machines()
            seen = machines[0]["agent_version"] if machines else None
            if seen == version:
                return
            time.sleep(0.5)
        log = self.machine.run("journalctl", "-u", "berth-host", "-n", "60", "-o", "cat").stdout
        raise AssertionError(f"version {seen} runs, not {version}: {log}")

    def host_processes(self):
        """What runs of berth-host: its parent and its program, by process."""
        text = self.machine.run("sh", "-c", 'for p in /proc/[0-9]*; do e=$(readlink $p/exe) || continue; case "$e" in */berth-host*) '
                                'echo ${p#/proc/} $(sed -n "s/^PPid:[^0-9]*//p" $p/status) $e;; esac; done').stdout
        return {int(pid): (int(parent), exe) for pid, parent, exe in
                (line.split(" ", 2) for line in text.splitlines() if line.count(" ") >= 2)}

    def launcher(self):
        return int(self.machine.run("systemctl", "show", "-P", "MainPID", "berth-host").stdout)

    def agents(self):
        """The launcher's children; all else of berth-host is below them, or this fails."""
        rows, launcher = self.host_processes(), self.launcher()
        for pid in rows:
            at = pid
            while at in rows and at != launcher:
                at = rows[at][0]
            assert at == launcher, f"process {pid} is nobody's: {rows}"
        return [exe for parent, exe in rows.values() if parent == launcher]

    def test_update_by_itself(self):
        """A signed release reaches a host through the market, under both units as they are."""
        folder = self.machine.tree / "var/cache/parts"
        folder.mkdir()
        shutil.copy(self.bin / "next/berth-host", folder)
        shutil.copy(self.bin / "berth-guest", folder)
        key = self.machine.run("berthd", "release", "key", "--key", "/root/release.key").stdout.split("\n")[0]
        assert key.startswith("update-key "), key
        self.machine.run("berthd", "release", "sign", "--key", "/root/release.key", "--bin", "/var/cache/parts", "--out",
                         "/srv/berth-releases")
        conf = self.machine.tree / "etc/berth/berthd.conf"
        conf.write_text(conf.read_text() + "\nagent-releases /srv/berth-releases\n")
        self.machine.run("systemctl", "restart", "berthd")
        host_conf = self.machine.tree / "etc/berth/host.conf"
        host_conf.write_text(host_conf.read_text() + f"{key}\nupdate-every 2\nupdate-trial 120\n")
        self.machine.run("systemctl", "restart", "berth-host")
        self.wait_version(RELEASE)
        path = f"/var/lib/berth-host/updates/{RELEASE}/berth-host"
        assert self.host_processes()[self.launcher()][1] == "/usr/bin/berth-host", self.host_processes()
        assert self.agents() == [path], self.host_processes()
        assert self.machine.run("dpkg", "--verify", "berth-host").stdout == "", "the package's files are as they were"
        assert self.machine.run("systemctl", "show", "-P", "NRestarts", "berth-host").stdout.strip() == "0"
        self.say("a signed release runs in place of the package's program, which is as it was")
        said = self.machine.run("berth-host", "status").stdout
        assert f"updates: release {RELEASE} confirmed" in said, said
        numbers = self.machine.run("curl", "-sf", "http://127.0.0.1:9101/metrics").stdout
        assert f'berth_host_info{{version="{RELEASE}"}} 1' in numbers and "berth_host_updates_on 1" in numbers, numbers
        self.say("status and numbers say so")
        self.machine.run("systemctl", "stop", "berth-host")
        assert self.host_processes() == {}, self.host_processes()
        self.machine.run("systemctl", "start", "berth-host")
        self.wait_version(RELEASE)
        before = self.launcher()
        self.machine.run("sh", "-c", f"kill -KILL {before}")
        for _ in range(60):
            if self.launcher() not in (0, before) and self.host_processes():
                break
            time.sleep(0.5)
        time.sleep(3)  # what was below the one that was killed is gone by then
        assert self.launcher() != before and self.agents() == [path], self.host_processes()
        self.say("stopped, nothing of it is left; killed, systemd has it run again, once")

    def test_upgrade(self):
        conf = self.machine.tree / "etc/berth/berthd.conf"
        conf.write_text(conf.read_text() + "\nrate-factor 2\n")
        before = self.machine.run("systemctl", "show", "-P", "MainPID", "berthd").stdout
        self.apt("install", "--no-install-recommends", *self.paths("newer", self.newer))
        assert "rate-factor 2" in conf.read_text()
        after = self.machine.run("systemctl", "show", "-P", "MainPID", "berthd").stdout
        assert before != after and self.state("berthd") == "active"
        shown = self.machine.run("env", "BERTH_URL=http://127.0.0.1:8080", f"BERTH_API_KEY={self.key}", "berth", "show",
                                 "user", "--raw")
        assert json.loads(shown.stdout)["credit"] == 5
        self.wait_version(RELEASE)  # above the package's own, whatever that is called
        self.say("an upgrade restarts it, and keeps its data and the operator's configuration")

    def test_remove(self, before):
        names = ("berth-server", "berth-host", "berth-cli")
        self.apt("remove", *names)
        assert (self.machine.tree / "var/lib/berth/berth.sqlite").exists()
        assert (self.machine.tree / "etc/berth/berthd.conf").exists()
        assert self.state("berthd") != "active"
        self.say("removing keeps the books and the configuration")
        self.machine.run("dpkg", "--purge", *names)
        shutil.rmtree(self.machine.tree / "srv/berth-releases")  # the operator's
        left = self.machine.files() - before
        assert not left, f"left behind: {sorted(left)}"
        gone = before - self.machine.files()
        assert not gone, f"taken along: {sorted(gone)}"
        assert self.machine.run("getent", "passwd", "berth", check=False).returncode != 0
        assert self.machine.run("getent", "group", "berth", check=False).returncode != 0
        failed = self.machine.run("systemctl", "list-units", "--no-legend", "--all", "berth*").stdout
        assert not re.search(r"loaded", failed), failed
        self.say("purging leaves no file, user, group or unit")

    def run(self):
        self.prepare()
        before = self.machine.files()
        self.test_install()
        self.test_start()
        self.test_use()
        self.test_kill()
        self.test_papers()
        self.test_host()
        self.test_update_by_itself()
        self.test_upgrade()
        self.test_remove(before)
        return self.passed


def test_host_install(debs, base):
    """On a clean machine with a network: packages, options, twice the same."""
    machine = Machine(base)
    try:
        host = next(deb for deb in debs if deb.name.startswith("berth-host_"))
        (machine.tree / "var/cache" / host.name).write_bytes(host.read_bytes())
        machine.chroot("apt-get", "update", "-q")
        (machine.tree / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (machine.tree / "usr/sbin/policy-rc.d").chmod(0o755)
        machine.chroot("apt-get", "install", "-y", "-q", "--no-install-recommends", f"/var/cache/{host.name}")
        words = ("berth-host", "install", "--server", "http://127.0.0.1:9", "--token", "T", "--ports", "41000-41019")
        first = machine.chroot(*words, check=False)
        assert "packages: iptables nftables docker.io" in first.stdout, first
        for names in (("usr/sbin/dockerd", "usr/bin/dockerd"), ("usr/sbin/iptables",), ("etc/docker/daemon.json",)):
            assert any(os.path.lexists(machine.tree / name) for name in names), names
        conf = machine.tree / "etc/berth/host.conf"
        assert "ports 41000-41019" in conf.read_text() and conf.stat().st_mode & 0o777 == 0o600
        stamp = conf.stat().st_mtime_ns
        second = machine.chroot(*words, check=False)
        assert "packages: all are there" in second.stdout and "options: as they are" in second.stdout, second
        assert conf.stat().st_mtime_ns == stamp
        print("ok - berth-host install brings an engine and walls, keeps its options, and is idempotent", flush=True)
        return 1
    finally:
        machine.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deb", required=True, type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/bin"))
    parser.add_argument("--suite", choices=("bookworm", "noble"), default="bookworm")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("NOT RUN: needs root")
        return 77
    args.base = pathlib.Path(f"var/deb-test/{args.suite}.tar")
    make_base(args.base, args.suite)
    debs = sorted(args.deb.glob("*.deb"))
    newer_folder = args.deb / "newer"
    subprocess.run(["tools/deb", str(args.bin), str(newer_folder)], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "BERTH_DEB_VERSION": "99.0"})
    test = Test(debs, sorted(newer_folder.glob("*.deb")), args.base, args.bin)
    try:
        passed = test.run()
    finally:
        test.machine.close()
    passed += test_host_install(debs, args.base)
    print(f"{passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
