# SPDX-License-Identifier: Apache-2.0
"""Terminals, what ends with a client, and many at once."""

import os
import pty
import signal
import subprocess
import time

from patience import check, wait_until
from suite import P, Suite, expect


class Sessions(Suite):
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
            # The program itself: the shell has its name, too, and has yet to tell it not to mind.
            wait_until("it runs", 10, lambda: f"{P} sleep 424" in self.running("sleep 424"))
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

    def test_fifty_sessions_side_by_side(self):
        """All of them open at one moment, each with its own answer."""
        processes = [self.host.start("--", f"{P} cat") for _ in range(50)]
        wait_until("fifty programs", 60, lambda: len(self.running(f"{P} cat")) == 50, 0.2)
        for i, process in enumerate(processes):
            out, err = process.communicate(str(i).encode(), timeout=60)
            check(process.returncode == 0 and out == str(i).encode(), f"{i}: {process.returncode} {out} {err}")

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

    def test_a_slow_program_slows_its_client_down(self):
        """What a client has sent and a program has not read is bounded, however much was read before."""
        mouthfuls, mouthful, most_unread = 400, 32 << 10, 16 << 20
        source = self.folder / "sparse"
        with open(source, "wb") as made:
            made.truncate(1 << 30)
        with open(source, "rb") as given:
            process = subprocess.Popen(self.host.command("--", f"{P} sip {mouthfuls}"), stdin=given,
                                       stdout=subprocess.PIPE)
            self.host.processes.append(process)
            try:
                check(process.stdout.readline() == b"sipped\n", "the program ended")
                time.sleep(0.5)
                sent = int(open(f"/proc/{process.pid}/fdinfo/0").readline().split()[1])
                check(sent - mouthfuls * mouthful < most_unread, f"{sent >> 20} MiB sent")
            finally:
                process.kill()
                process.wait(10)
        source.unlink()

    def test_an_upload_lets_others_have_their_turn(self):
        process, control = self.master()
        try:
            upload = subprocess.Popen(self.host.command("-o", f"ControlPath={control}", "--", f"{P} drain"),
                                      stdin=open("/dev/zero", "rb"))
            self.host.processes.append(upload)
            time.sleep(1)
            for i in range(20):
                began = time.monotonic()
                expect(self.host.ssh("-o", f"ControlPath={control}", "--", f"{P} echo {i}", timeout=20), 0, f"[{i}]\n")
                took = time.monotonic() - began
                check(took < 5, f"an echo took {took:.1f} s")
            check(upload.poll() is None, "the upload ended")
            upload.kill()
            upload.wait()
        finally:
            process.kill()
            process.wait(10)
            control.unlink(missing_ok=True)
