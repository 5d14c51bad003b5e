# SPDX-License-Identifier: Apache-2.0
"""A host for the SSH tests: a Docker Engine of its own in a network namespace, three images, and the
gateway in front of them."""

import http.client
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from patience import Failure, wait_until  # noqa: E402

SKIP = 77
CACHE = pathlib.Path("/var/tmp/berth-images")
DEBIAN_PACKAGES = ["procps"]
PORT, FRONT = 2201, 3201


def why_not():
    """Why no engine can run here; None where one can."""
    if os.geteuid() != 0:
        return f"not root (uid {os.geteuid()})"
    for program in ("dockerd", "containerd", "runc", "ip", "iptables", "nsenter", "ssh", "sftp", "busybox"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None


def skip(reason):
    print(f"ENGINE TESTS NOT RUN: {reason}")
    sys.exit(1 if os.environ.get("BERTH_REQUIRE_ENGINE") == "1" else SKIP)


def in_namespace(arguments):
    """Run this program again in a network namespace that goes away afterwards."""
    name = f"berth-ssh-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], check=False).returncode != 0:
        skip("cannot make a network namespace")
    try:
        enter = ["nsenter", f"--net=/run/netns/{name}"]
        subprocess.run(enter + ["ip", "link", "set", "lo", "up"], check=True)
        return subprocess.run(enter + [sys.executable, "-B", *arguments, "--inside"], check=False).returncode
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Engine:
    def __init__(self, folder):
        self.folder = folder
        self.socket = str(folder / "engine.sock")
        self.log = open(folder / "engine.log", "wb")
        self.process = subprocess.Popen(
            ["dockerd", "--host", f"unix://{self.socket}", "--data-root", folder / "data",
             "--exec-root", folder / "exec", "--pidfile", folder / "engine.pid", "--bip", "172.29.0.1/16",
             "--cgroup-parent", f"/berth-ssh-{os.getpid()}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_until("the engine", 30, self.is_up)
        except Failure:
            self.stop()
            tail = (folder / "engine.log").read_text().strip().splitlines()[-1:]
            skip(f"the engine does not start: {tail}")

    def is_up(self):
        if self.process.poll() is not None:
            raise Failure("the engine ended")
        try:
            return self.call("GET", "/_ping", want=200) is not None
        except OSError:
            return False

    def call(self, method, path, body=None, want=(200, 201, 204, 304), kind="application/json"):
        connection = UnixConnection(self.socket)
        data = json.dumps(body).encode() if kind == "application/json" and body is not None else body
        connection.request(method, "/v1.41" + path, data, {"Content-Type": kind})
        reply = connection.getresponse()
        text = reply.read()
        if reply.status not in (want if isinstance(want, tuple) else (want,)):
            raise Failure(f"{method} {path}: {reply.status} {text[:300]}")
        try:
            return json.loads(text) if text else {}
        except ValueError:
            return text

    def import_image(self, name, tar, changes=()):
        query = "".join("&changes=" + c.replace(" ", "%20").replace("\"", "%22") for c in changes)
        self.call("POST", f"/images/create?fromSrc=-&repo={name}&tag=1{query}", tar, kind="application/x-tar")

    def run(self, image, binds=(), env=(), command=None, entrypoint=None):
        container = self.create(image, binds, env, command, entrypoint)
        self.call("POST", f"/containers/{container}/start")
        return container

    def create(self, image, binds, env, command, entrypoint):
        body = {"Image": f"{image}:1", "Env": list(env),
                "HostConfig": {"Binds": list(binds), "Init": True, "CapDrop": ["ALL"],
                               "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
                                          "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "AUDIT_WRITE"],
                               "SecurityOpt": ["no-new-privileges"], "PidsLimit": 512}}
        if command is not None:
            body["Cmd"] = command
        if entrypoint is not None:
            body["Entrypoint"] = entrypoint
        return self.call("POST", "/containers/create", body)["Id"]

    def logs(self, container):
        raw = self.call("GET", f"/containers/{container}/logs?stdout=1&stderr=1")
        raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
        text, at = b"", 0
        while at + 8 <= len(raw):
            length = int.from_bytes(raw[at + 4:at + 8], "big")
            text += raw[at + 8:at + 8 + length]
            at += 8 + length
        return text.decode()

    def processes(self, container):
        return [row[-1] for row in self.call("GET", f"/containers/{container}/top")["Processes"]]

    def stop(self):
        if self.process.poll() is None:
            for container in self.call("GET", "/containers/json?all=1"):
                self.call("DELETE", f"/containers/{container['Id']}?force=1")
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self.log.close()
        subprocess.run(["umount", self.folder / "data"], check=False, stderr=subprocess.DEVNULL)
        # Empty by now; the engine leaves its cgroups behind.
        for place in sorted(pathlib.Path("/sys/fs/cgroup").glob(f"**/berth-ssh-{os.getpid()}"), reverse=True):
            try:
                place.rmdir()
            except OSError:
                pass


def tar_of(files):
    """A tar from {path: bytes, link target as text, or None for a folder}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.mode = 0o755
            if content is None:
                info.type = tarfile.DIRTYPE
                info.mode = 0o1777 if path == "tmp" else 0o755
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def busybox_tar():
    program = pathlib.Path(shutil.which("busybox")).read_bytes()
    files = {"bin": None, "etc": None, "root": None, "tmp": None, "bin/busybox": program,
             "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n", "etc/group": b"root:x:0:\n"}
    names = subprocess.run(["busybox", "--list"], check=True, capture_output=True, text=True).stdout.split()
    files.update({f"bin/{name}": "busybox" for name in names if name != "busybox"})
    return tar_of(files)


def debian_tar():
    """A minimal Debian, kept between runs: making one takes half a minute, and the distribution's mirror,
    which is outside of the namespace."""
    CACHE.mkdir(mode=0o755, exist_ok=True)
    cached = CACHE / f"debian-bookworm-{'-'.join(DEBIAN_PACKAGES)}.tar"
    if not cached.exists():
        if shutil.which("mmdebstrap") is None:
            skip("mmdebstrap is not installed")
        made = cached.with_suffix(f".{os.getpid()}.tar")
        result = subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--aptopt=APT::Sandbox::User \"root\"",
             "--include=" + ",".join(DEBIAN_PACKAGES), "bookworm", made],
            check=False, capture_output=True, text=True)
        if result.returncode != 0:
            made.unlink(missing_ok=True)
            skip(f"mmdebstrap makes no image: {result.stderr.strip().splitlines()[-1:]}")
        made.rename(cached)
    return cached.read_bytes()


class Host:
    """with Host(bin_dir, image) as host: ...; `host.ssh(...)` runs OpenSSH's client."""

    KIND = {"busybox": ("/bin/sh", ["PATH=/bin", "FROM_IMAGE=yes"]),
            "single": (None, ["PATH=/", "FROM_IMAGE=yes"]),
            "debian": ("/bin/bash", ["PATH=/image/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                     "FROM_IMAGE=yes"])}

    def __init__(self, bin_dir, image, relayed=False):
        self.bin, self.image, self.relayed = bin_dir, image, relayed
        self.front = FRONT if relayed else PORT  # where the gateway listens for what clients find at PORT
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-ssh-", dir="/var/tmp"))
        self.shell = self.KIND[image][0]
        self.processes = []

    def __enter__(self):
        try:
            self.engine = Engine(self.folder)
            self.make_image()
            self.make_keys()
            self.tools, self.probe_dir = self.folder / "tools", self.folder / "probe"
            self.probe_dir.mkdir()
            shutil.copy(self.bin / "ssh_probe", self.probe_dir / "probe")
            self.start_gateway()
            if self.relayed:
                self.start_relay()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                process.wait(20)
        if hasattr(self, "engine"):
            self.engine.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_image(self):
        if self.image == "single":
            tar = tar_of({"program": (self.bin / "ssh_probe").read_bytes()})
        else:
            tar = busybox_tar() if self.image == "busybox" else debian_tar()
        self.engine.import_image(self.image, tar)

    def make_keys(self):
        self.known = self.folder / "known_hosts"
        for name, kind in (("id", "ed25519"), ("rsa", "rsa"), ("ecdsa", "ecdsa"), ("wrong", "ed25519")):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{name}@test", "-f", self.folder / name],
                           check=True)
        self.keys = self.folder / "keys"
        self.keys.write_text("# a comment is no key\n" + "".join(
            (self.folder / f"{name}.pub").read_text() for name in ("id", "rsa", "ecdsa")))

    def start_gateway(self):
        program = self.bin / "ssh_gateway"
        self.state = self.folder / "state"
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.gateway_log = open(self.folder / "gateway.log", "ab")
        self.gateway = subprocess.Popen(
            [program, self.state, self.engine.socket, self.bin / "berth-guest", self.tools],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.gateway_log, text=True)
        self.processes.append(self.gateway)
        line = self.gateway.stdout.readline()
        if not line.startswith("ready"):
            raise Failure("the gateway does not start: " + (self.folder / "gateway.log").read_text())
        self.has_rsync = "rsync" in line
        self.sanitized = b"__asan_init" in program.read_bytes()

    def start_relay(self):
        """The market's relay at PORT, and the host's own tunnel that it reaches the gateway by."""
        relay = subprocess.Popen([self.bin / "relay-load", "relay", str(PORT)], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=self.gateway_log, text=True)
        self.processes.append(relay)
        door, keys = relay.stdout.readline().split()
        self.processes.append(subprocess.Popen([self.bin / "relay-load", "tunnel", door, keys, str(FRONT)],
                                               stdin=subprocess.DEVNULL, stderr=self.gateway_log))

    def tell(self, *lines):
        """The gateway's answer to the last of `lines`."""
        self.gateway.stdin.write("".join(line + "\n" for line in lines))
        self.gateway.stdin.flush()
        return self.gateway.stdout.readline().strip()

    def update(self, entries):
        """[(id, port, container or None, keys or None, state)]"""
        lines = [f"entry {i} {self.front if port == PORT else port} {container or '-'} {keys or '-'} {state}"
                 for i, port, container, keys, state in entries]
        answer = self.tell(*lines, "commit")
        if answer != "done":
            raise Failure(f"the gateway's table: {answer}")

    def counters(self, instance):
        words = self.tell(f"counters {instance}").split()
        return None if words[1] == "none" else [int(word) for word in words[1:]]

    def start_container(self, extra_env=(), command=(), entrypoint=None):
        return self.engine.run(
            self.image, binds=[f"{self.tools}:/opt/berth:ro", f"{self.probe_dir}:/probe:ro"],
            env=[*self.KIND[self.image][1], *extra_env],
            entrypoint=entrypoint or ["/opt/berth/bin/berth-guest", "launch"], command=list(command))

    def options(self, key="id"):
        return ["-F", "none", "-o", f"UserKnownHostsFile={self.known}", "-o", "StrictHostKeyChecking=accept-new",
                "-o", f"IdentityFile={self.folder / key}", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
                "-o", "ConnectTimeout=20"]

    def command(self, *words, port=PORT, key="id", user="root"):
        """The words of an ssh command line; options first in `words`, after "--" what to run."""
        words = [str(word) for word in words]
        at = words.index("--") if "--" in words else len(words)
        return ["ssh", *words[:at], "-o", "LogLevel=ERROR", *self.options(key), "-p", str(port), f"{user}@127.0.0.1", *words[at + 1:]]

    def ssh(self, *words, stdin=b"", timeout=60, **where):
        result = subprocess.run(self.command(*words, **where), input=stdin, capture_output=True, timeout=timeout,
                                check=False)
        return result

    def start(self, *words, **where):
        process = subprocess.Popen(self.command(*words, **where), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.processes.append(process)
        return process
