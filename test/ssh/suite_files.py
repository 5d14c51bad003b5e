# SPDX-License-Identifier: Apache-2.0
"""Files: sftp, scp and rsync."""

import os
import random

from patience import check
from suite import P, PORT, expect, Suite


class Files(Suite):
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

    def test_copies_as_other_clients_make_them(self):
        """rsync's daemon protocol over SSH, as vastai_kaalia, with the instance as a module."""
        check(self.host.has_rsync, "there is no rsync here to lend to images that have none")
        tree = self.folder / "copied"
        (tree / "sub").mkdir(parents=True, exist_ok=True)
        for i in range(20):
            (tree / "sub" / f"f{i}").write_bytes(random.Random(i).randbytes(30000))
        shell = " ".join(["ssh", "-q", "-p", str(PORT), *self.host.options()])
        for name in ("12", "C.12"):
            there = ("rsync", "-arz", "-v", "--progress", "--rsh=ssh", "-e", shell)
            place = f"vastai_kaalia@127.0.0.1::{name}/"
            expect(self.tool(*there, f"{tree}/", f"{place}/copied-{name}/"))
            (tree / "sub" / "f3").write_bytes(b"new")
            expect(self.tool(*there, f"{tree}/", f"{place}copied-{name}/"))
            back = self.folder / f"copied-back-{name}"
            expect(self.tool(*there, f"{place}copied-{name}/", f"{back}/"))
            for path in (tree / "sub").iterdir():
                check((back / "sub" / path.name).read_bytes() == path.read_bytes(), path.name)
        result = self.tool(*there, f"{tree}/", "vastai_kaalia@127.0.0.1::13/x/")
        check(result.returncode == 5 and b"Unknown module" in result.stderr, f"{result}")
        # Who comes to copy gets nothing else.
        for words in (("--", f"{P} echo x"), ("-T",)):
            result = self.host.ssh(*words, user="vastai_kaalia")
            check(result.returncode == 255 and result.stdout == b"", f"{words}: {result}")
        expect(self.host.ssh("--", f"{P} echo x", user="bo"), 255)

    def test_rsync_both_ways(self):
        check(self.host.has_rsync, "there is no rsync here to lend to images that have none")
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
