#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SSH into a container through the gateway, against OpenSSH's sshd on the same machine: bytes down, bytes
up, and a login with a command. The same client, the same keys and ciphers, the same program at the far
end, in turn, medians."""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE / "test" / "ssh"))
sys.dont_write_bytecode = True

from host import Host, in_namespace, why_not  # noqa: E402
from patience import wait_until  # noqa: E402

BIN = pathlib.Path(os.environ.get("BERTH_BIN", TREE / "build/bin"))
ROUNDS = int(os.environ.get("BERTH_BENCH_ROUNDS", "7"))
MEGABYTES = 512
LOGINS = 10
PORT, PEER_PORT = 2201, 2202

SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/id
AuthorizedKeysFile {folder}/keys
StrictModes no
UsePAM no
PidFile none
"""


def result(name, value, unit, peer, better):
    ratio = value / peer
    print(f"RESULT {name} {value:.1f} {unit} vs sshd {peer:.1f} ratio {ratio:.2f} better={better}", flush=True)


def start_sshd(host):
    config = host.folder / "sshd_config"
    config.write_text(SSHD.format(port=PEER_PORT, folder=host.folder))
    os.makedirs("/run/sshd", exist_ok=True)
    log = open(host.folder / "sshd.log", "wb")
    # A shell that sshd starts reads root's .bashrc, whatever that does here: nothing, for this one.
    hide = "[ ! -e /root/.bashrc ] || mount --bind /dev/null /root/.bashrc; exec \"$@\""
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", hide, "sh", shutil.which("sshd"), "-D", "-e", "-f",
                                config], stdout=log, stderr=log)
    host.processes.append(process)
    wait_until("sshd", 10, lambda: host.ssh("--", "true", port=PEER_PORT).returncode == 0)


def seconds(host, command, port, source=None):
    """How long a client takes, which must succeed."""
    with open(source or "/dev/null", "rb") as given:
        began = time.perf_counter()
        subprocess.run(host.command("--", command, port=port), stdin=given, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began


def measure(ours, theirs):
    """Medians of both, taken in turn."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    return (statistics.median(values) for values in zip(*pairs))


def run(host):
    container = host.start_container()
    host.update([(12, PORT, container, host.keys, "")])
    wait_until("the gateway", 10, lambda: host.ssh("--", "/probe/probe echo x").returncode == 0)
    start_sshd(host)
    probe = host.probe_dir / "probe"
    source = host.folder / "source"
    source.write_bytes(os.urandom(1 << 20) * MEGABYTES)

    def down(program, port):
        return lambda: MEGABYTES / seconds(host, f"{program} zeros {MEGABYTES}", port)

    def up(program, port):
        return lambda: MEGABYTES / seconds(host, f"{program} drain", port, source)

    def login(program, port):
        return lambda: 1000 * statistics.median(seconds(host, f"{program} exit 0", port) for _ in range(LOGINS))

    for name, work, unit, better in (("ssh-down", down, "MB/s", "higher"), ("ssh-up", up, "MB/s", "higher"),
                                     ("ssh-login", login, "ms", "lower")):
        value, peer = measure(work("/probe/probe", PORT), work(probe, PEER_PORT))
        result(name, value, unit, peer, better)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not options.inside:
        if reason := why_not():
            sys.exit(f"bench ssh: no engine can run here: {reason}")
        sys.exit(in_namespace(sys.argv))
    with Host(BIN.resolve(), "busybox") as host:
        run(host)


main()
