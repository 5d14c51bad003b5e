# SPDX-License-Identifier: Apache-2.0
"""Who gets in, and what stays through restarts."""

import os
import pathlib
import signal
import subprocess
import sys
import time

from patience import check, wait_until
from suite import INSTANCE, P, PORT, STOPPED, expect, Suite


class Entry(Suite):
    # Who may come in.

    def test_keys_of_every_kind(self):
        for key in ("id", "rsa", "ecdsa"):
            expect(self.host.ssh("--", f"{P} echo {key}", key=key), 0, f"[{key}]\n")

    def test_a_wrong_key_is_told_so(self):
        result = self.host.ssh("-o", "LogLevel=INFO", "--", f"{P} echo no", key="wrong")
        expect(result, 255, "", "is not one of instance 12's")
        check(b"Permission denied (publickey)" in result.stderr, f"{result.stderr}")
        check("ssh key refused" in (self.folder / "gateway.log").read_text(), "nothing in the log")

    def test_a_login_is_quick(self):
        """The benchmark says how quick beside sshd; here, that nothing waits for a timer."""
        def login():
            began = time.monotonic()
            expect(self.host.ssh("--", f"{P} exit 0"))
            return time.monotonic() - began
        took = sorted(login() for _ in range(5))[2]
        check(took < 3, f"{took:.2f} s")

    def test_another_user_is_told_so(self):
        expect(self.host.ssh("-o", "LogLevel=INFO", "--", "x", user="ubuntu"), 255, "", "log in as root")

    def test_there_are_no_passwords(self):
        result = self.host.ssh("-v", "-o", "LogLevel=DEBUG1", "-o", "PubkeyAuthentication=no",
                               "-o", "PreferredAuthentications=password,keyboard-interactive", "--", "x")
        check(result.returncode == 255 and b"Authentications that can continue: publickey" in result.stderr,
              f"{result.stderr[-300:]}")

    def test_the_agent_is_not_forwarded(self):
        expect(self.host.ssh("-A", "--", f"{P} env SSH_AUTH_SOCK"), 0, "(unset)\n")

    def test_another_subsystem_is_refused(self):
        check(self.host.ssh("-s", "--", "netconf").returncode != 0, "a subsystem that is none")

    def test_new_keys_count_at_once(self):
        other = self.folder / "other"
        other.write_text((self.folder / "wrong.pub").read_text())
        running = self.host.start("--", f"{P} cat")
        running.stdin.write(b"x")
        running.stdin.flush()
        check(running.stdout.read(1) == b"x", "no echo")
        self.publish(keys=other)
        wait_until("the new key is good", 5,
                   lambda: self.host.ssh("--", f"{P} echo in", key="wrong").stdout == b"[in]\n")
        check(self.host.ssh("--", f"{P} echo in").returncode == 255, "the old key is still good")
        running.stdin.write(b"y")
        running.stdin.flush()
        check(running.stdout.read(1) == b"y", "a connection ended with its key")
        running.kill()
        self.publish()
        wait_until("the old key again", 5, lambda: self.host.ssh("--", f"{P} echo in").stdout == b"[in]\n")

    # The instance's life.

    def test_a_stopped_instance_says_so(self):
        self.publish(container=None)
        try:
            wait_until("the table", 5, lambda: b"is stopped" in self.host.ssh("--", f"{P} echo x").stderr)
            result = expect(self.host.ssh("--", f"{P} echo x"), 255, "", STOPPED)
            check(result.stderr.count(b"\n") == 1, f"{result.stderr}")
            expect(self.host.ssh("-tt"), 255, None, STOPPED)
            check(self.sftp("ls").returncode == 255, "SFTP without a container")
        finally:
            self.container = self.host.start_container()
            self.publish()
            wait_until("it runs again", 5, lambda: self.host.ssh("--", f"{P} echo x").stdout == b"[x]\n")

    def test_a_restart_is_survived(self):
        running = self.host.start("--", f"{P} cat")
        running.stdin.write(b"x")
        running.stdin.flush()
        running.stdout.read(1)
        self.host.engine.call("POST", f"/containers/{self.container}/restart?t=1")
        _, err = running.communicate(timeout=20)
        check(running.returncode == 255 and b"stopped or restarted" in err, f"{running.returncode} {err}")
        # The same container, with another network and no helper: the agent has said nothing.
        wait_until("it answers", 10, lambda: self.host.ssh("--", f"{P} echo x").stdout == b"[x]\n")

    def test_a_dead_container_that_nobody_told_of(self):
        self.host.engine.call("POST", f"/containers/{self.container}/kill")
        expect(self.host.ssh("--", f"{P} echo x"), 255, "", "not running")
        self.host.engine.call("POST", f"/containers/{self.container}/start")
        wait_until("it answers", 10, lambda: self.host.ssh("--", f"{P} echo x").stdout == b"[x]\n")

    def test_a_killed_helper_is_replaced(self):
        pid = [line for line in self.host.engine.call("GET", f"/containers/{self.container}/top")["Processes"]
               if "berth-guest serve" in line[-1]][0][1]
        os.kill(int(pid), signal.SIGKILL)
        expect(self.host.ssh("--", f"{P} echo back"), 0, "[back]\n")

    def test_a_killed_broker_is_replaced(self):
        broker = subprocess.run(["pgrep", "-P", str(self.host.gateway.pid)], check=True, capture_output=True,
                                text=True).stdout.split()
        before = self.host.counters(INSTANCE)
        for pid in broker:
            os.kill(int(pid), signal.SIGKILL)
        wait_until("it answers", 10, lambda: self.host.ssh("--", f"{P} echo x").stdout == b"[x]\n")
        after = self.host.counters(INSTANCE)
        check(after[0] >= before[0] and after[1] >= before[1], f"{before} {after}")

    def test_onstart_runs_at_every_start(self):
        if not self.host.shell:
            return
        command = "echo command-$X >> /tmp/ran; echo to-the-log"
        container = self.host.start_container(
            extra_env=[f"ONSTART={command}", "X=7"],
            entrypoint=["/opt/berth/bin/berth-guest", "launch", "--onstart-env", "ONSTART"])
        self.host.update([(INSTANCE, PORT, self.container, self.host.keys, STOPPED),
                          (13, 2213, container, self.host.keys, "x")])

        def read():
            return self.host.ssh("--", "cat /tmp/ran", port=2213).stdout
        wait_until("the command ran", 10, lambda: read() == b"command-7\n")
        expect(self.host.ssh("--", "printf '#!/bin/sh\\necho script >> /tmp/ran\\necho script-to-the-log\\n' > /root/onstart.sh",
                             port=2213))
        began = time.monotonic()
        self.host.engine.call("POST", f"/containers/{container}/restart?t=10")
        check(time.monotonic() - began < 8, "the first process does not hear SIGTERM")
        wait_until("both ran", 10, lambda: sorted(read().split()) == [b"command-7", b"command-7", b"script"])
        log = self.host.engine.logs(container)
        check(log.count("to-the-log") == 3 and log.count("script-to-the-log") == 1, log)
        expect(self.host.ssh("--", "echo ${ONSTART-unset}", port=2213), 0, None)
        self.publish()
        self.host.engine.call("DELETE", f"/containers/{container}?force=1")

    def test_the_images_own_command_runs(self):
        container = self.host.start_container(command=[P, "sleep", "433"])
        wait_until("it runs", 10,
                   lambda: any(p == f"{P} sleep 433" for p in self.host.engine.processes(container)))
        self.host.engine.call("DELETE", f"/containers/{container}?force=1")
        container = self.host.start_container(command=["/nosuchcommand"])
        state = wait_until("it ends", 10, lambda: (s := self.host.engine.call(
            "GET", f"/containers/{container}/json")["State"])["Status"] == "exited" and s)
        check(state["ExitCode"] == 127, f"{state}")
        check("/nosuchcommand: No such file" in self.host.engine.logs(container), "no reason in its log")

    # The books, and the walls.

    def test_traffic_is_counted(self):
        before = self.host.counters(INSTANCE)
        expect(self.host.ssh("--", f"{P} zeros 20"))
        expect(self.host.ssh("--", f"{P} sum", stdin=bytes(30 << 20)))
        after = wait_until("the bytes are counted", 5, lambda: (
            now := self.host.counters(INSTANCE))[1] - before[1] >= 30 << 20 and now)
        up, down = (after[i] - before[i] for i in (0, 1))
        check(20 << 20 <= up < 21.5 * (1 << 20), f"up {up}")
        check(30 << 20 <= down < 31.5 * (1 << 20), f"down {down}")
        wait_until("no connection is left", 5, lambda: self.host.counters(INSTANCE)[2] == 0)
        check(self.host.counters(99) is None, "an instance that is not listed has counters")

    def test_a_stranger_is_not_counted(self):
        before = self.host.counters(INSTANCE)
        self.host.ssh("--", "x", key="wrong")
        time.sleep(1.2)
        check(self.host.counters(INSTANCE) == before, "a login that failed was counted")

    def test_sessions_have_nothing(self):
        client = self.host.start("--", f"{P} sleep 60")
        client.stdout.readline()
        pid = wait_until("a session", 5, self.sessions)[0]
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        check(status["Uid"].split() == ["65534"] * 4 and status["Gid"].split() == ["65534"] * 4, f"{status['Uid']}")
        check(status["Groups"].strip() == "", f"groups {status['Groups']}")
        check(int(status["CapPrm"], 16) == 0 and int(status["CapEff"], 16) == 0, f"{status['CapPrm']}")
        check(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", f"{status['NoNewPrivs']} {status['Seccomp']}")
        check(os.listdir(f"/proc/{pid}/root") == [], "its root has files")
        sockets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        check(all(kind.startswith(("socket:", "pipe:", "anon_inode:", "/dev/null", "/var/tmp")) for kind in sockets),
              f"{sockets}")
        client.kill()

    def test_only_the_host_reaches_the_helper(self):
        """A program in the container that connects to the helper's socket gets nothing."""
        name = [line for line in self.host.engine.processes(self.container) if "guest serve" in line][0].split()[-1]
        code = ("import socket;s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET);s.settimeout(5);"
                f"s.connect('\\0{name}');print(len(s.recv(10)))")
        pid = self.host.engine.call("GET", f"/containers/{self.container}/json")["State"]["Pid"]
        # In its process ids and its network, as one of its own would be.
        result = self.tool("nsenter", f"--net=/proc/{pid}/ns/net", f"--pid=/proc/{pid}/ns/pid", sys.executable, "-c", code)
        check(result.stdout.strip() == b"0", f"{result}")

    def test_the_host_key_stays(self):
        key = (self.host.state / "ssh" / "host_ed25519").read_bytes()
        mode = (self.host.state / "ssh" / "host_ed25519").stat().st_mode & 0o777
        check(mode == 0o600, f"{mode:o}")
        self.host.gateway.stdin.close()
        self.host.gateway.wait(20)
        wait_until("all sessions are gone", 5, lambda: not self.sessions())
        self.host.start_gateway()
        self.publish()
        check((self.host.state / "ssh" / "host_ed25519").read_bytes() == key, "another host key")
        # The client has the old one in its known_hosts.
        wait_until("it answers", 5, lambda: self.host.ssh("--", f"{P} echo same").stdout == b"[same]\n")
        expect(self.host.ssh("-o", "HostKeyAlgorithms=rsa-sha2-512", "-o", "UserKnownHostsFile=/dev/null", "--",
                             f"{P} echo rsa"), 0, "[rsa]\n")
