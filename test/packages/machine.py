# SPDX-License-Identifier: Apache-2.0
"""A fresh Debian or Ubuntu with systemd as its first process, in namespaces of its own."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

BASE = ("systemd-sysv,dbus,ca-certificates,curl,apt-utils,python3-minimal")
BOOT_SECONDS = 300


# Ubuntu's keys, in the package that its own installations have them from.
KEYRING = "http://archive.ubuntu.com/ubuntu/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb"
KEYRING_SHA256 = "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8"


def ubuntu_keys(folder):
    deb = folder / "keyring.deb"
    subprocess.run(["curl", "-sfL", "-o", deb, KEYRING], check=True)
    found = hashlib.sha256(deb.read_bytes()).hexdigest()
    if found != KEYRING_SHA256:
        raise AssertionError(f"{KEYRING} is {found}")
    subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
    return folder / "usr/share/keyrings/ubuntu-archive-keyring.gpg"


def make_base(path, suite="bookworm"):
    """A tree as a tar, made once: by Debian's own tool from the distribution's own packages."""
    if path.exists() and path.stat().st_size > 0:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with tempfile.TemporaryDirectory(prefix="berth-keys-") as keys:
        if suite == "bookworm":
            words, source = [], "deb http://deb.debian.org/debian bookworm main"
        else:
            words = [f"--keyring={ubuntu_keys(pathlib.Path(keys))}"]
            source = f"deb http://archive.ubuntu.com/ubuntu {suite} main universe"
        subprocess.run(["mmdebstrap", "--variant=minbase", '--aptopt=APT::Sandbox::User "root"', *words,
                        f"--include={BASE}", "--format=tar", suite, str(new), source],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    new.rename(path)


class Machine:
    def __init__(self, base):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-deb-"))
        self.tree = self.folder / "root"
        self.tree.mkdir()
        subprocess.run(["tar", "-xf", base, "-C", self.tree, "--exclude=./dev/*"], check=True)
        shutil.copy("/etc/resolv.conf", self.tree / "etc/resolv.conf")
        # Services start when the machine boots, not in a folder.
        (self.tree / "etc/machine-id").write_text("")
        self.process = self.pid = self.cgroup = None

    def chroot(self, *words, check=True):
        """Before it boots, or after: on this machine's network, where packages come from."""
        script = ('mount --make-rprivate / && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && '
                  'root=$1 && shift && exec chroot "$root" "$@"')
        run = subprocess.run(["unshare", "--mount", "--", "sh", "-c", script, "sh", str(self.tree), *words],
                             capture_output=True, text=True, check=False,
                             env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
        if check and run.returncode != 0:
            raise AssertionError(f"{words}: {run.returncode}\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
        return run

    def boot(self):
        unified = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
        top = pathlib.Path("/sys/fs/cgroup" if unified else "/sys/fs/cgroup/systemd")
        self.cgroup = top / f"berth-deb-{os.getpid()}"
        self.cgroup.mkdir(exist_ok=True)
        script = (f'echo $$ >"{self.cgroup}/cgroup.procs" && exec unshare --mount --pid --fork --uts --ipc --net '
                  f'--cgroup sh "{pathlib.Path(__file__).parent}/boot.sh" "{self.tree}" "{self.cgroup}"')
        self.process = subprocess.Popen(["sh", "-c", script], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"it did not boot: {self.process.stderr.read()}")
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            if children.strip():
                self.pid = int(children.split()[0])
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return state
            time.sleep(0.2)
        raise AssertionError("it did not boot in time")

    def run(self, *words, check=True):
        """In the machine that has booted."""
        run = subprocess.run(["nsenter", "--target", str(self.pid), "--all", "--", "env", "-i",
                              "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                              "HOME=/root", "SYSTEMD_PAGER=cat", *words], capture_output=True, text=True, check=False)
        if check and run.returncode != 0:
            raise AssertionError(f"{words}: {run.returncode}\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
        return run

    def files(self):
        """Every path of it, but for what packages' own tools note of any package."""
        noise = re.compile(r"^\./(proc|sys|dev|run|tmp|root|var/(lib/(dpkg|apt|systemd)|log|cache|tmp|backups)"
                           r"|etc/(passwd-|group-|shadow-|gshadow-|\.pwd\.lock|machine-id|resolv\.conf))(/|$)")
        found = subprocess.run(["find", ".", "-xdev", "-printf", r"%p\n"], cwd=self.tree,
                               capture_output=True, text=True, check=True).stdout.splitlines()
        return {path for path in found if not noise.match(path)}

    def close(self):
        if self.process is not None and self.process.poll() is None:
            if self.pid:
                subprocess.run(["kill", "-KILL", str(self.pid)], check=False)
            else:
                self.process.kill()
            self.process.wait()
        for _ in range(50):
            try:
                for folder in sorted(self.cgroup.rglob("*") if self.cgroup else [], reverse=True):
                    if folder.is_dir():
                        folder.rmdir()
                if self.cgroup and self.cgroup.exists():
                    self.cgroup.rmdir()
                break
            except OSError:
                time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)
