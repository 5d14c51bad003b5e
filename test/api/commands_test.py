#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""berthd's commands, called wrongly: each says what is wrong and where, and leaves nothing behind."""

import fcntl
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["BERTH_BIN"])


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="berth-commands-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.absent = self.folder / "absent"

    def berthd(self, *words):
        done = subprocess.run([BIN / "berthd", *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
                              cwd=self.folder)
        return done.returncode, done.stdout, done.stderr

    def refuses(self, status, said, *words):
        code, out, err = self.berthd(*words)
        self.assertEqual((code, out), (status, ""), (words, err))
        self.assertIn(said, err, words)
        self.assertEqual(err.count("\n"), 1, (words, err))

    def test_a_slip_in_the_folder_is_no_market_without_anything_in_it(self):
        backups = self.folder / "backups"
        for words in (["check"], ["recovery", "show"], ["recovery", "begin"], ["admin", "user", "list"],
                      ["admin", "user", "create", "--email", "a@example.org"], ["master-key", "show"], ["master-key", "next"],
                      ["backup", "--to", backups], ["move", "--store", "postgres://nobody@127.0.0.1:1/none"],
                      ["relay", "--relay-ports", "21000-21009"]):
            self.refuses(1, str(self.absent), *words, "--data", self.absent)
            self.assertFalse(self.absent.exists(), words)
        self.assertEqual(list(backups.glob("*")) if backups.exists() else [], [], "no backup of nothing")

    def test_a_folder_without_books_is_refused_too(self):
        self.absent.mkdir()
        for words in (["check"], ["recovery", "show"], ["admin", "user", "list"], ["master-key", "show"],
                      ["move", "--store", "postgres://nobody@127.0.0.1:1/none"]):
            self.refuses(1, "there are no books in", *words, "--data", self.absent)
        self.assertEqual(list(self.absent.glob("*.sqlite")), [])

    def test_books_that_are_there_are_found(self):
        self.assertEqual(self.berthd("migrate", "--data", self.absent)[:2], (0, "the database is up to date\n"))
        self.assertTrue(self.berthd("check", "--data", self.absent)[1].startswith("sound:"))
        code, out, _ = self.berthd("admin", "--data", self.absent, "user", "list")
        self.assertEqual((code, out.strip()), (0, "[]"))
        code, out, _ = self.berthd("recovery", "begin", "--data", self.absent)
        self.assertEqual((code, "berthd recovery show" in out), (0, True), out)
        self.assertIn("recovery since", self.berthd("recovery", "show", "--data", self.absent)[1])

    def test_a_store_is_sqlite_or_a_postgresql(self):
        for store in ("mysql://db/berth", "postgres", "postgres:/berth", "berth"):
            for words in (["check"], ["recovery", "show"], ["admin", "user", "list"], ["migrate"], ["serve"],
                          ["relay", "--relay-ports", "21000-21009"]):
                self.absent.mkdir(exist_ok=True)
                self.refuses(2, f"not '{store}'", *words, "--data", self.absent, "--store", store)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["absent"])

    def serve(self, *words):
        """It comes up, and ends when told to."""
        process = subprocess.Popen([BIN / "berthd", "serve", "--data", self.absent, "--listen", "127.0.0.1:0", *words],
                                   stderr=subprocess.PIPE, text=True)
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("berthd: ready on "):
                process.terminate()
        process.stderr.close()
        self.assertEqual(process.wait(30), 0, said)
        self.assertIn("berthd: ready on ", said)

    def test_a_server_without_its_market_s_keys_does_not_start(self):
        self.serve()
        for name in ("server.key", "master.key"):
            path = self.absent / name
            kept = path.read_bytes()
            path.unlink()
            for _ in range(2):  # it has made one by now, and that is as wrong
                self.refuses(1, f"{path} ", "serve", "--data", self.absent, "--listen", "127.0.0.1:0")
            path.write_bytes(kept)
            self.serve()
            path.unlink()
            self.serve("--accept-keys")
            self.serve()

    def backup(self, *words, **more):
        """Its exit status, what it said, and what is in the folder of backups afterwards."""
        backups = self.folder / "backups"
        done = subprocess.run([BIN / "berthd", "backup", "--data", self.absent, "--to", backups, *words], capture_output=True,
                              text=True, timeout=60, check=False, **more)
        return done.returncode, done.stdout + done.stderr, sorted(path.name for path in backups.iterdir())

    def test_what_a_killed_backup_leaves_has_no_name_and_goes_with_the_next(self):
        self.berthd("migrate", "--data", self.absent)
        key = self.folder / "key"
        key.write_text("ab" * 32 + "\n")
        key.chmod(0o600)
        size = (self.absent / "berth.sqlite").stat().st_size
        # The copy is made, and sealing it is more than a file may have: the kernel kills it there.
        code, said, left = self.backup("--key-file", key, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        self.assertEqual(code, -signal.SIGXFSZ, said)
        self.assertEqual([name[:11] for name in left], [".berth-new-"], left)
        stale = self.folder / "backups" / left[0]
        self.assertEqual(sorted(path.name for path in stale.iterdir())[:3], ["berth.lock", "berth.sealed", "berth.sqlite"])

        # One that is so young may be at work, and so is one that is locked.
        self.assertIn(left[0], self.backup("--key-file", key)[2])
        os.utime(stale, (time.time() - 3600,) * 2)
        with open(stale / "berth.lock", "r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            self.assertIn(left[0], self.backup("--key-file", key)[2])
        (self.folder / "backups" / ".berth-new-file").touch()
        os.utime(self.folder / "backups" / ".berth-new-file", (time.time() - 3600,) * 2)
        code, said, names = self.backup("--key-file", key)
        self.assertEqual((code, len(names)), (0, 4), said)
        self.assertEqual([name for name in names if not name.endswith(".sqlite.sealed")], [".berth-new-file"])

    def test_an_answer_that_cannot_be_written_is_an_error(self):
        for program in ("berthd", "berth-host", "berth"):
            with open("/dev/full", "w") as full:
                done = subprocess.run([BIN / program, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (1, f"{program}: write: No space left on device\n"))

    def test_what_is_wrong_is_named(self):
        self.refuses(2, "there is no command 'chekc'", "chekc")
        for command in ("check", "backup", "restore", "move", "migrate", "relay", "serve", "top", "config", "version"):
            self.refuses(2, f"berthd {command}: 'more' is one word too many", command, "more")


if __name__ == "__main__":
    unittest.main()
