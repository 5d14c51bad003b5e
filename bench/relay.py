#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The relay against haproxy (tcp mode) and `ssh -R`, over loopback, in turn, medians.

Bytes per CPU second: of the relay's process against haproxy's, with the same far end behind both; of
relay and the host's tunnel together against sshd and ssh together. Latency, of the quietest round, since
whatever else runs can only add to it: what a 64-byte round trip
takes longer than without anything between; the relay's own hop, and the whole way with the host's tunnel."""

import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE / "test/e2e"))
from ports import free_port  # noqa: E402

LOAD = pathlib.Path(os.environ.get("BERTH_BIN", TREE / "build/bin")) / "relay-load"
ROUNDS = int(os.environ.get("BERTH_BENCH_ROUNDS", "5"))
BYTES = int(os.environ.get("BERTH_BENCH_BYTES", str(2 << 30)))
PINGS = 5000
TICK = os.sysconf("SC_CLK_TCK")


def wait_open(port, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"bench-relay: nothing answers at port {port}")


def tree_of(pid):
    """A process and all below it."""
    below = [pid]
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(entry.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                below += tree_of(int(entry.parent.name))
        except (OSError, ValueError):
            continue
    return below


def cpu_s(pids):
    total = 0
    for pid in {one for pid in pids for one in tree_of(pid)}:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return total / TICK


def load(*arguments):
    return float(subprocess.run([LOAD, *map(str, arguments)], check=True, capture_output=True, text=True).stdout)


class Parts:
    def __init__(self, folder):
        self.folder, self.processes = pathlib.Path(folder), []

    def start(self, *command, **more):
        process = subprocess.Popen([str(c) for c in command], stderr=subprocess.DEVNULL, **more)
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(10)

    def relay(self):
        port = free_port()
        process = self.start(LOAD, "relay", port, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        door, keys = process.stdout.readline().split()
        return process.pid, port, door, keys

    def haproxy(self, target):
        port, config = free_port(), self.folder / "haproxy.cfg"
        config.write_text("global\n  nbthread 1\n  maxconn 1000\ndefaults\n  mode tcp\n  timeout connect 5s\n"
                          "  timeout client 1h\n  timeout server 1h\n"
                          f"listen all\n  bind 127.0.0.1:{port}\n  server far 127.0.0.1:{target}\n")
        process = self.start(shutil.which("haproxy"), "-db", "-f", config)
        wait_open(port)
        return process.pid, port

    def ssh(self, target):
        port, sshd_port, key = free_port(), free_port(), self.folder / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (self.folder / "keys").write_text(key.with_suffix(".pub").read_text())
        config = self.folder / "sshd_config"
        config.write_text(f"ListenAddress 127.0.0.1\nPort {sshd_port}\nHostKey {key}\n"
                          f"AuthorizedKeysFile {self.folder}/keys\nStrictModes no\nUsePAM no\nPidFile none\n")
        os.makedirs("/run/sshd", exist_ok=True)
        sshd = self.start(shutil.which("sshd"), "-D", "-e", "-f", config)
        wait_open(sshd_port)
        ssh = self.start("ssh", "-N", "-R", f"127.0.0.1:{port}:127.0.0.1:{target}", "-p", sshd_port, "-i", key,
                         "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                         "-o", "ExitOnForwardFailure=yes", "root@127.0.0.1")
        wait_open(port)
        return (sshd.pid, ssh.pid), port


def per_cpu_second(pids, port):
    """Megabytes that a second of their CPU time carries."""
    before = cpu_s(pids)
    load("down", port, BYTES)
    return BYTES / 1e6 / max(cpu_s(pids) - before, 1 / TICK)


def compare(name, ours, peer_name, peer):
    rounds = [(per_cpu_second(*ours), per_cpu_second(*peer)) for _ in range(ROUNDS)]
    our, their = (statistics.median(column) for column in zip(*rounds))
    ratio = statistics.median(a / b for a, b in rounds)
    print(f"RESULT {name} {our:.0f} MB/cpu-s vs {peer_name} {their:.0f} ratio {ratio:.2f} better=higher", flush=True)


def latency(ports):
    """The least of the rounds' medians, in turn."""
    rounds = [[load("ping", port, PINGS) for port in ports] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds)]


def main():
    for program in ("haproxy", "sshd", "ssh"):
        if shutil.which(program) is None:
            sys.exit(f"bench-relay: {program} is not installed; tools/packages bench installs it")
    with tempfile.TemporaryDirectory(prefix="berth-bench-relay-") as folder:
        parts = Parts(folder)
        try:
            far = free_port()
            parts.start(LOAD, "serve", far)
            wait_open(far)
            relay, port, door, keys = parts.relay()
            parts.start(LOAD, "agent", door, keys)
            wait_open(port)
            whole_relay, whole_port, whole_door, whole_keys = parts.relay()
            tunnel = parts.start(LOAD, "tunnel", whole_door, whole_keys, far)
            wait_open(whole_port)
            proxy, proxy_port = parts.haproxy(far)
            ssh, ssh_port = parts.ssh(far)
            time.sleep(1)
            compare("relay-haproxy", ((relay,), port), "haproxy", ((proxy,), proxy_port))
            compare("relay-ssh-r", ((whole_relay, tunnel.pid), whole_port), "ssh -R", (ssh, ssh_port))
            bare, ours, whole, theirs, tunnelled = latency((far, port, whole_port, proxy_port, ssh_port))
            for name, value, peer_name, peer in (("relay-latency", ours, "haproxy", theirs),
                                                 ("relay-latency-path", whole, "ssh -R", tunnelled)):
                added, peer_added = value - bare, peer - bare
                print(f"RESULT {name} {added:.1f} us vs {peer_name} {peer_added:.1f} ratio {added / peer_added:.2f} "
                      "better=lower", flush=True)
        finally:
            parts.stop()


if __name__ == "__main__":
    main()
