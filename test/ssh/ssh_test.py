#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenSSH's clients against real containers of one kind of image: busybox (a shell and no libc), single
(one static file, no shell, no accounts, no folders) or debian."""

import argparse
import hashlib
import os
import pathlib
import pty
import random
import signal
import subprocess
import sys
import time

from host import Failure, Host, debian_tar, in_namespace, skip, wait_until, why_not

P = "/probe/probe"
INSTANCE, PORT = 12, 2201
STOPPED = "instance 12 is stopped: start it with `berth start instance 12`"


def check(condition, text):
    if not condition:
        raise Failure(text)


def expect(result, code=0, out=None, err=None):
    """A finished client that ended so, and said so."""
    shown = f"exit {result.returncode}, {result.stdout[:200]!r}, {result.stderr[:300]!r}"
    check(result.returncode == code, f"wanted exit {code}: {shown}")
    if out is not None:
        check(result.stdout == (out if isinstance(out, bytes) else out.encode()), f"wanted {out!r}: {shown}")
    if err is not None:
        check(err.encode() in result.stderr, f"wanted {err!r} on stderr: {shown}")
    return result


def fnv(data):
    # As the probe has it. Slow in Python: for small data.
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 % (1 << 64)
    return f"{len(data)} {value:016x}\n"


class Suite:
    def __init__(self, host):
        self.host = host
        self.container = host.start_container()
        self.folder = host.folder
        self.publish()
        # The table is on its way when the gateway has said that it took it.
        wait_until("the port", 10, lambda: b"refused" not in host.ssh("--", f"{P} exit 0").stderr)

    def publish(self, container="same", keys="same", state=STOPPED):
        self.container = self.container if container == "same" else container
        keys = self.host.keys if keys == "same" else keys
        self.host.update([(INSTANCE, PORT, self.container, keys, state)])

    def tool(self, *words, **more):
        return subprocess.run([str(word) for word in words], capture_output=True, timeout=120, check=False,
                              cwd=self.folder, **more)

    def scp(self, *words, legacy=False):
        return self.tool("scp", *(["-O"] if legacy else []), "-q", *self.host.options(), "-P", PORT, *words)

    def running(self, what):
        return [line for line in self.host.engine.processes(self.container) if what in line]

    # What runs, and how it ends.

    def test_a_command_runs(self):
        expect(self.host.ssh("--", P, "echo", "hi", "there"), 0, "[hi][there]\n", "")

    def test_exit_codes_come_back(self):
        for code in (0, 1, 2, 77, 126, 127, 128, 254, 255):
            expect(self.host.ssh("--", f"{P} exit {code}"), code)

    def test_death_by_signal_is_told(self):
        command = f"exec {P} raise 9" if self.host.shell else f"{P} raise 9"
        result = self.host.ssh("-v", "-o", "LogLevel=DEBUG1", "--", command)
        check(result.returncode == 255 and b"exit-signal" in result.stderr, f"{result.stderr[-400:]}")

    def test_output_and_error_are_apart(self):
        result = expect(self.host.ssh("--", f"{P} both"), 0, "out\n")
        check(result.stderr == b"err\n", f"{result.stderr!r}")

    def test_a_missing_command_is_127(self):
        result = expect(self.host.ssh("--", "nosuchprogram"), 127)
        check(b"nosuchprogram" in result.stderr, f"{result.stderr!r}")

    def test_everybody_is_root(self):
        expect(self.host.ssh("--", f"{P} uid"), 0, "0\n")

    def test_the_images_environment_is_there(self):
        expect(self.host.ssh("--", f"{P} env FROM_IMAGE"), 0, "yes\n")
        path = self.host.ssh("--", f"{P} env PATH").stdout.decode().strip()
        want = dict(e.split("=", 1) for e in self.host.KIND[self.host.image][1])["PATH"]
        check(path == want + ":/opt/berth/bin", path)

    def test_home_user_and_connection_are_set(self):
        home = "/" if self.host.image == "single" else "/root"
        expect(self.host.ssh("--", f"{P} env HOME"), 0, home + "\n")
        expect(self.host.ssh("--", f"{P} env USER"), 0, "root\n")
        words = self.host.ssh("--", f"{P} env SSH_CONNECTION").stdout.decode().split()
        check(len(words) == 4 and words[0] == "127.0.0.1" and words[3] == str(PORT), f"{words}")
        client = self.host.ssh("--", f"{P} env SSH_CLIENT").stdout.decode().split()
        check(client[0] == "127.0.0.1" and client[2] == str(PORT) and len(client) == 3, f"{client}")

    def test_sent_variables_arrive(self):
        os.environ["BERTH_TEST"] = "a b'c"
        try:
            expect(self.host.ssh("-o", "SendEnv=BERTH_TEST", "--", f"{P} env BERTH_TEST"), 0, "a b'c\n")
            expect(self.host.ssh("-o", "SetEnv=OTHER=x=y", "--", f"{P} env OTHER"), 0, "x=y\n")
        finally:
            del os.environ["BERTH_TEST"]

    def test_quoting_arrives_as_it_was(self):
        expect(self.host.ssh("--", f"{P} echo 'a  b' \"c 'd'\" e\\ f"), 0, "[a  b][c 'd'][e f]\n")
        if self.host.shell:
            expect(self.host.ssh("--", f"X=1; {P} echo \"$X\" $((1+1)) | tr 12 ab"), 0, "[a][b]\n")
        else:
            result = expect(self.host.ssh("--", f"{P} echo $HOME"), 127)
            check(b"has no shell" in result.stderr, f"{result.stderr!r}")

    def test_a_long_command_arrives_whole(self):
        word = "x" * 100000
        expect(self.host.ssh("--", f"{P} echo {word}"), 0, f"[{word}]\n")

    def test_a_script_on_standard_input(self):
        if self.host.shell:
            expect(self.host.ssh("-T", stdin=b"echo one\necho two >&2\nexit 3\n"), 3, "one\n", "two")
        else:
            expect(self.host.ssh("-T", stdin=b""), 127, "", "has no shell")

    def test_a_login_shell_says_so(self):
        if self.host.image == "debian":
            expect(self.host.ssh("-T", stdin=b"shopt -q login_shell && echo login\n"), 0, "login\n")

    # Bytes.

    def test_input_ends(self):
        expect(self.host.ssh("--", f"{P} cat", stdin=b""), 1, "")
        expect(self.host.ssh("--", f"{P} cat", stdin=b"x"), 0, "x")

    def test_every_byte_passes(self):
        data = bytes(range(256)) * 300
        expect(self.host.ssh("--", f"{P} cat", stdin=data), 0, data)
        expect(self.host.ssh("--", f"{P} sum", stdin=data), 0, fnv(data))

    def test_64_mib_there_and_back(self):
        data = random.Random(1).randbytes(64 << 20)
        result = expect(self.host.ssh("--", f"{P} cat", stdin=data))
        check(hashlib.sha256(result.stdout).digest() == hashlib.sha256(data).digest(), "64 MiB came back changed")

    def test_200_mib_down(self):
        result = expect(self.host.ssh("--", f"{P} zeros 200"))
        check(result.stdout == bytes(200 << 20), f"{len(result.stdout)} bytes")

    def test_new_keys_in_the_middle(self):
        data = random.Random(2).randbytes(24 << 20)
        result = expect(self.host.ssh("-o", "RekeyLimit=1M", "--", f"{P} cat", stdin=data))
        check(result.stdout == data, "bytes were lost while keys were exchanged")

    def test_a_reader_that_stops_holds_the_writer(self):
        process = self.host.start("--", f"{P} zeros 100")
        process.stdin.close()
        time.sleep(1)
        session = wait_until("a session", 5, self.sessions)[0]
        size = int(pathlib.Path(f"/proc/{session}/statm").read_text().split()[1]) * 4096
        limit = (512 if self.host.sanitized else 64) << 20
        check(size < limit, f"the session holds {size >> 20} MiB for a client that does not read")
        total = 0
        while chunk := process.stdout.read(1 << 20):
            total += len(chunk)
        check(process.wait(20) == 0 and total == 100 << 20, f"{total} bytes")

    def sessions(self):
        found = subprocess.run(["pgrep", "-x", "berth-ssh-visit", "-u", "65534"], check=False, capture_output=True,
                               text=True).stdout.split()
        mine = os.stat("/proc/self/ns/net").st_ino
        return [pid for pid in found if os.path.exists(f"/proc/{pid}/ns/net")
                and os.stat(f"/proc/{pid}/ns/net").st_ino == mine]

    # Terminals.

    def test_a_terminal_is_one(self):
        expect(self.host.ssh("-tt", "--", f"{P} tty"), 0, "tty\r\n")
        expect(self.host.ssh("--", f"{P} tty"), 0, "none\n")

    def in_terminal(self, size, *words):
        """An ssh client in a terminal of `size`; its process id and the terminal."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp("ssh", self.host.command(*words))
        self.resize(terminal, size)
        return pid, terminal

    @staticmethod
    def resize(terminal, size):
        import fcntl, struct, termios
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    @staticmethod
    def read_until(terminal, wanted, seconds=10):
        text, end = b"", time.monotonic() + seconds
        import select
        while wanted not in text and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    text += os.read(terminal, 4096)
                except OSError:
                    break
        check(wanted in text, f"wanted {wanted!r}, got {text!r}")
        return text

    def test_the_terminal_has_its_size_from_the_start(self):
        for size in ((80, 24), (132, 50), (1, 1)):
            pid, terminal = self.in_terminal(size, "-tt", "--", f"{P} size")
            try:
                self.read_until(terminal, b"%dx%d" % size)
            finally:
                os.close(terminal)
                os.waitpid(pid, 0)

    def test_the_terminals_size_changes(self):
        pid, terminal = self.in_terminal((80, 24), "-tt", "--", f"{P} resize")
        try:
            self.read_until(terminal, b"80x24")
            self.resize(terminal, (101, 37))
            os.kill(pid, signal.SIGWINCH)
            self.read_until(terminal, b"101x37")
        finally:
            os.close(terminal)
            os.waitpid(pid, 0)

    def test_term_is_passed_on(self):
        os.environ["TERM"] = "xterm-berth"
        expect(self.host.ssh("-tt", "--", f"{P} env TERM"), 0, "xterm-berth\r\n")
        expect(self.host.ssh("-tt", "--", f"{P} env SSH_TTY"), 0, "/dev/pts/0\r\n")

    def test_a_shell_in_a_terminal(self):
        pid, terminal = self.in_terminal((80, 24), "-tt")
        try:
            if self.host.shell:
                os.write(terminal, b"echo $((20+3))\n")
                self.read_until(terminal, b"23\r\n")
                os.write(terminal, b"exit 5\n")
            else:
                self.read_until(terminal, b"has no shell")
            _, status = os.waitpid(pid, 0)
            check(os.waitstatus_to_exitcode(status) == (5 if self.host.shell else 127), f"{status}")
        finally:
            os.close(terminal)

    def test_ctrl_c_reaches_the_program(self):
        pid, terminal = self.in_terminal((80, 24), "-tt", "--", f"{P} sleep 300")
        try:
            self.read_until(terminal, b"\n")
            os.write(terminal, b"\x03")
            _, status = os.waitpid(pid, 0)
            check(os.waitstatus_to_exitcode(status) in (130, 255), f"{status}")
        finally:
            os.close(terminal)
        wait_until("the program is gone", 5, lambda: not self.running("sleep 300"))

    # What becomes of programs when their client goes.

    def test_a_dropped_client_ends_its_program(self):
        for words in (("--", f"{P} sleep 411"), ("-tt", "--", f"{P} sleep 411")):
            process = self.host.start(*words)
            wait_until("it runs", 10, lambda: self.running("sleep 411"))
            process.kill()
            process.wait()
            wait_until(f"{words[0]}: it ends", 10, lambda: not self.running("sleep 411"))

    def test_a_stubborn_program_is_killed(self):
        if not self.host.shell:
            return
        process = self.host.start("--", "trap '' TERM; trap ':' HUP; while :; do sleep 0.1; done; echo stubborn")
        wait_until("it runs", 10, lambda: self.running("stubborn"))
        process.kill()
        process.wait()
        wait_until("it ends", 10, lambda: not self.running("stubborn"))

    def test_what_was_detached_goes_on(self):
        expect(self.host.ssh("--", f"{P} detach 422"))
        if self.host.shell:
            # Debian's busybox has the one, a minimal Debian the other as well.
            away = "setsid" if self.host.image == "busybox" else "nohup"
            expect(self.host.ssh("--", f"{away} {P} sleep 423 >/dev/null 2>&1 </dev/null &"))
            process = self.host.start("--", f"{away} {P} sleep 424 >/dev/null 2>&1 </dev/null & sleep 425")
            wait_until("it runs", 10, lambda: len(self.running(f"{P} sleep 424")) > 0)
            process.kill()
            process.wait()
            wait_until("its shell ends", 10, lambda: not self.running("sleep 425"))
        time.sleep(2.5)
        wanted = ["detach 422"] + (["sleep 423", "sleep 424"] if self.host.shell else [])
        for what in wanted:
            check(self.running(what), f"{what} did not survive")

    # Many at once.

    def test_twenty_at_once(self):
        processes = [self.host.start("--", f"{P} echo {i}") for i in range(20)]
        for i, process in enumerate(processes):
            out, err = process.communicate(timeout=60)
            check(process.returncode == 0 and out == f"[{i}]\n".encode(), f"{i}: {process.returncode} {out} {err}")

    def master(self, *words):
        control = self.folder / "control"
        process = self.host.start("-M", "-N", "-o", f"ControlPath={control}", *words)
        wait_until("the master connection", 10, control.exists)
        return process, control

    def test_eight_channels_of_one_connection(self):
        process, control = self.master()
        try:
            for _ in range(4):
                through = [self.host.start("-o", f"ControlPath={control}", "--", f"{P} echo {i}") for i in range(8)]
                for i, client in enumerate(through):
                    out, err = client.communicate(timeout=30)
                    check(client.returncode == 0 and out == f"[{i}]\n".encode(), f"{i}: {client.returncode} {out} {err}")
        finally:
            # Not SIGTERM, which this client forgets if it comes just before it waits.
            process.kill()
            process.wait(10)
            control.unlink(missing_ok=True)

    def test_one_that_stands_still_does_not_hold_up_others(self):
        process, control = self.master()
        try:
            stuck = self.host.start("-o", f"ControlPath={control}", "--", f"{P} zeros 100")
            time.sleep(0.5)
            expect(self.host.ssh("-o", f"ControlPath={control}", "--", f"{P} echo free", timeout=20), 0, "[free]\n")
            stuck.kill()
            stuck.wait()
        finally:
            # Not SIGTERM, which this client forgets if it comes just before it waits.
            process.kill()
            process.wait(10)
            control.unlink(missing_ok=True)

    # Files.

    def work(self):
        return "/work" if self.host.image != "single" else "/w"

    def file(self, name, size, seed=3):
        path = self.folder / name
        path.write_bytes(random.Random(seed).randbytes(size))
        return path

    def sftp(self, *lines):
        return self.tool("sftp", *self.host.options(), "-P", PORT, "-b", "-", "root@127.0.0.1",
                         input="\n".join(lines).encode() + b"\n")

    def test_sftp_does_all_it_can(self):
        path = self.file("up", 3 << 20)
        got = self.folder / "got"
        result = self.sftp(
            "-mkdir /tmp", "mkdir /tmp/s", "cd /tmp/s", "pwd", f"put {path} one", "ls -l", "chmod 600 one", "ln one hard",
            "ln -s one soft", "rename one two", "ls", f"get two {got}", "df -h .", "rm hard", "rm soft",
            "mkdir sub", "rmdir sub", f"put -p {path} three", "ls -la", "rm two", "rm three", "cd ..", "rmdir s")
        expect(result)
        check(got.read_bytes() == path.read_bytes(), "the file changed on its way")
        check(b"/tmp/s\n" in result.stdout, f"{result.stdout}")
        got.unlink()

    def test_sftp_says_no(self):
        for line, why in (("get /nosuchfile x", "not found"), ("mkdir /proc/x", ""), ("rmdir /proc", ""),
                          ("rename /nosuch /other", ""), ("ls /nosuch", "not found")):
            result = self.sftp(line)
            check(result.returncode == 1, f"{line}: {result.returncode} {result.stderr}")
            check(why.encode() in result.stderr, f"{line}: {result.stderr}")

    def test_sftp_renames_over_nothing_but_posix(self):
        path = self.file("small", 10)
        expect(self.sftp("-mkdir /tmp", f"put {path} /tmp/a", f"put {path} /tmp/b", "rename /tmp/a /tmp/b", "rm /tmp/b"))
        result = self.sftp(f"put {path} /tmp/a", f"put {path} /tmp/b", "rename -l /tmp/a /tmp/b")
        check(result.returncode == 1, "a rename of version 3 replaced a file")
        expect(self.sftp("rm /tmp/a", "rm /tmp/b"))

    def test_scp_both_ways(self):
        path = self.file("file 'x", 5 << 20)
        expect(self.scp(path, "root@127.0.0.1:/one"))
        expect(self.scp("root@127.0.0.1:/one", self.folder / "back"))
        check((self.folder / "back").read_bytes() == path.read_bytes(), "the file changed on its way")

    def test_scp_of_folders(self):
        tree = self.folder / "tree"
        (tree / "a" / "b").mkdir(parents=True, exist_ok=True)
        (tree / "empty").mkdir(exist_ok=True)
        for name in ("x", "a/y", "a/b/z"):
            (tree / name).write_bytes(name.encode() * 1000)
        expect(self.scp("-r", tree, "root@127.0.0.1:/tree"))
        expect(self.scp("-r", "root@127.0.0.1:/tree", self.folder / "tree-back"))
        for name in ("x", "a/y", "a/b/z"):
            check((self.folder / "tree-back" / name).read_bytes() == name.encode() * 1000, name)
        check((self.folder / "tree-back" / "empty").is_dir(), "an empty folder was lost")

    def test_scp_keeps_times_and_modes(self):
        path = self.file("kept", 100)
        path.chmod(0o640)
        os.utime(path, (1600000000, 1500000000))
        expect(self.scp("-p", path, "root@127.0.0.1:/kept"))
        back = self.folder / "kept-back"
        expect(self.scp("-p", "root@127.0.0.1:/kept", back))
        found = back.stat()
        check(found.st_mtime == 1500000000 and found.st_mode & 0o777 == 0o640, f"{found}")

    def test_scp_of_old(self):
        path = self.file("old", 2 << 20)
        expect(self.scp(path, "root@127.0.0.1:/old", legacy=True))
        expect(self.scp("-p", "root@127.0.0.1:/old", self.folder / "old-back", legacy=True))
        check((self.folder / "old-back").read_bytes() == path.read_bytes(), "the file changed on its way")
        tree = self.folder / "old-tree"
        (tree / "sub").mkdir(parents=True, exist_ok=True)
        (tree / "sub" / "f").write_bytes(b"f" * 100)
        expect(self.scp("-r", "-p", tree, "root@127.0.0.1:/old-tree", legacy=True))
        expect(self.scp("-r", "root@127.0.0.1:/old-tree", self.folder / "old-tree-back", legacy=True))
        check((self.folder / "old-tree-back" / "sub" / "f").read_bytes() == b"f" * 100, "a folder was lost")
        result = self.scp("root@127.0.0.1:/nosuch", self.folder / "x", legacy=True)
        check(result.returncode == 1 and b"No such file" in result.stderr, f"{result}")

    def test_rsync_both_ways(self):
        if not self.host.has_rsync:
            return
        tree = self.folder / "sync"
        tree.mkdir(exist_ok=True)
        for i in range(20):
            (tree / f"f{i}").write_bytes(random.Random(i).randbytes(50000))
        shell = " ".join(["ssh", "-q", "-p", str(PORT), *self.host.options()])
        there = ("rsync", "-a", "-e", shell, f"{tree}/", "root@127.0.0.1:/sync/")
        expect(self.tool(*there))
        (tree / "f3").write_bytes(b"new")
        expect(self.tool(*there))
        expect(self.tool("rsync", "-a", "-e", shell, "root@127.0.0.1:/sync/", f"{self.folder}/sync-back/"))
        for path in tree.iterdir():
            check((self.folder / "sync-back" / path.name).read_bytes() == path.read_bytes(), path.name)

    # Ports.

    def serve(self, port, greeting, address="127.0.0.1"):
        process = self.host.start("--", f"{P} serve {address} {port} {greeting}")
        process.stdout.readline()
        return process

    def talk(self, port, text="hello", wait=True):
        def attempt():
            result = self.tool(self.host.bin / "ssh_probe", "talk", "127.0.0.1", port, text)
            return result.stdout if result.returncode == 0 and result.stdout else None
        return wait_until(f"an answer at port {port}", 10, attempt) if wait else attempt()

    def test_local_forward(self):
        server = self.serve(8080, "welcome")
        client = self.host.start("-N", "-L", "18080:localhost:8080", "-L", "18081:127.0.0.1:9")
        try:
            check(self.talk(18080) == b"welcomehello", "forwarded otherwise")
            # Nothing listens there; the connection that works goes on working.
            check(self.talk(18081, wait=False) is None, "something answered where nothing listens")
            check(self.talk(18080, "again") == b"welcomeagain", "forwarded otherwise")
            clients = [subprocess.Popen([self.host.bin / "ssh_probe", "talk", "127.0.0.1", "18080", str(i)],
                                        stdout=subprocess.PIPE) for i in range(20)]
            for i, process in enumerate(clients):
                check(process.communicate(timeout=20)[0] == f"welcome{i}".encode(), f"connection {i}")
            big = "x" * 100000
            check(self.talk(18080, big) == b"welcome" + big.encode(), "a long text was changed")
        finally:
            client.kill(), server.kill()

    def test_forward_by_name(self):
        name = self.container[:12]
        server = self.serve(8087, "named", "0.0.0.0")
        client = self.host.start("-N", "-L", f"18087:{name}:8087", "-L", "18088:no.such.name.invalid:80")
        try:
            check(self.talk(18087) == b"namedhello", "forwarded otherwise")
            check(self.talk(18088, wait=False) is None, "a name that is none has an address")
        finally:
            client.kill(), server.kill()

    def test_dynamic_forward(self):
        server = self.serve(8082, "socks")
        client = self.host.start("-N", "-D", "11080")
        try:
            def attempt():
                result = self.tool("curl", "-s", "--http0.9", "--max-time", "1", "-x", "socks5h://127.0.0.1:11080",
                                   "http://localhost:8082/")
                return result.stdout.startswith(b"socks")
            wait_until("an answer through SOCKS", 10, attempt)
        finally:
            client.kill(), server.kill()

    def test_remote_forward(self):
        server = subprocess.Popen([self.host.bin / "ssh_probe", "serve", "127.0.0.1", "18083", "outside"],
                                  stdout=subprocess.PIPE)
        server.stdout.readline()
        client = self.host.start("-N", "-R", "8083:127.0.0.1:18083", "-o", "ExitOnForwardFailure=yes")
        try:
            def attempt():
                return self.host.ssh("--", f"{P} talk 127.0.0.1 8083 in").stdout == b"outsidein"
            wait_until("an answer from outside", 10, attempt)
            # The port is taken: a second client is told.
            second = self.host.ssh("-N", "-R", "8083:127.0.0.1:18083", "-o", "ExitOnForwardFailure=yes")
            check(second.returncode == 255, f"{second}")
            chosen = self.host.start("-v", "-o", "LogLevel=INFO", "-N", "-R", "0:127.0.0.1:18083")
            line = chosen.stderr.readline()
            while b"Allocated port" not in line and line:
                line = chosen.stderr.readline()
            port = int(line.split()[2])
            expect(self.host.ssh("--", f"{P} talk 127.0.0.1 {port} x"), 0, "outsidex")
            chosen.kill()
        finally:
            client.kill(), server.kill()
        wait_until("the port is closed", 5, lambda: self.host.ssh("--", f"{P} talk 127.0.0.1 8083 in").returncode == 1)

    def test_a_tunnel_beside_a_shell(self):
        """What editors do: one connection, SOCKS, and a server that a script starts."""
        if not self.host.shell:
            return
        client = self.host.start("-T", "-D", "11081", "--", "sh")
        try:
            client.stdin.write(f"{P} serve 127.0.0.1 8085 editor &\n".encode())
            client.stdin.flush()
            client.stdout.readline()
            for _ in range(3):
                result = self.tool("curl", "-s", "--http0.9", "--max-time", "1", "-x", "socks5h://127.0.0.1:11081",
                                   "http://127.0.0.1:8085/")
                check(result.stdout.startswith(b"editor"), f"{result}")
        finally:
            client.kill()

    # Who may come in.

    def test_keys_of_every_kind(self):
        for key in ("id", "rsa", "ecdsa"):
            expect(self.host.ssh("--", f"{P} echo {key}", key=key), 0, f"[{key}]\n")

    def test_a_wrong_key_is_told_so(self):
        result = self.host.ssh("-o", "LogLevel=INFO", "--", f"{P} echo no", key="wrong")
        expect(result, 255, "", "is not one of instance 12's")
        check(b"Permission denied (publickey)" in result.stderr, f"{result.stderr}")
        check("ssh key refused" in (self.folder / "gateway.log").read_text(), "nothing in the log")

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    parser.add_argument("--image", default="busybox", choices=sorted(Host.KIND))
    parser.add_argument("--only", default="", help="tests whose name has this")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not options.inside:
        if reason := why_not():
            skip(reason)
        if options.image == "debian":
            debian_tar()
        sys.exit(in_namespace(sys.argv))
    passed = failed = 0
    names = [name for name in vars(Suite) if name.startswith("test_") and options.only in name]
    with Host(options.bin.resolve(), options.image) as host:
        suite = Suite(host)
        for name in names:
            began = time.monotonic()
            try:
                getattr(suite, name)()
                passed += 1
                print(f"ok {name[5:]} ({time.monotonic() - began:.2f} s)", flush=True)
            except (Failure, OSError, subprocess.SubprocessError, IndexError, ValueError) as failure:
                failed += 1
                print(f"not ok {name[5:]}: {failure}", flush=True)
        if failed:
            print((host.folder / "gateway.log").read_text()[-4000:])
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
