# SPDX-License-Identifier: Apache-2.0
"""Commands, what they find, and what passes through their streams."""

import hashlib
import os
import pathlib
import random
import time

from patience import check, wait_until
from suite import P, expect, fnv, Suite


class Commands(Suite):
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

    def test_every_variable_of_the_container_is_there(self):
        container = self.host.engine.call("GET", f"/containers/{self.container}/json")
        wanted = dict(entry.split("=", 1) for entry in container["Config"]["Env"])
        wanted["PATH"] += ":/opt/berth/bin"
        for name, value in wanted.items():
            expect(self.host.ssh("--", f"{P} env {name}"), 0, value + "\n")

    def test_home_user_and_connection_are_set(self):
        home = "/" if self.host.image == "single" else "/root"
        expect(self.host.ssh("--", f"{P} env HOME"), 0, home + "\n")
        expect(self.host.ssh("--", f"{P} env USER"), 0, "root\n")
        words = self.host.ssh("--", f"{P} env SSH_CONNECTION").stdout.decode().split()
        check(len(words) == 4 and words[0] == "127.0.0.1" and words[3] == str(self.host.front), f"{words}")
        client = self.host.ssh("--", f"{P} env SSH_CLIENT").stdout.decode().split()
        check(client[0] == "127.0.0.1" and client[2] == str(self.host.front) and len(client) == 3, f"{client}")

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
        elif self.host.shell:
            expect(self.host.ssh("-T", stdin=b"case $0 in -*) echo login;; esac\n"), 0, "login\n")

    # Bytes.

    def test_input_ends(self):
        expect(self.host.ssh("--", f"{P} cat", stdin=b""), 1, "")
        expect(self.host.ssh("--", f"{P} cat", stdin=b"x"), 0, "x")

    def test_every_byte_passes(self):
        data = bytes(range(256)) * 300
        expect(self.host.ssh("--", f"{P} cat", stdin=data), 0, data)
        expect(self.host.ssh("--", f"{P} sum", stdin=data), 0, fnv(data))

    def test_64_mib_up(self):
        result = expect(self.host.ssh("--", f"{P} sum", stdin=bytes(64 << 20)))
        check(result.stdout.startswith(b"%d " % (64 << 20)), f"{result.stdout}")

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
