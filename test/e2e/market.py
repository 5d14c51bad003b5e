# SPDX-License-Identifier: Apache-2.0
"""A whole market for a test: berthd, a host with its own Docker Engine, accounts and keys, all in one
network namespace, so that every rule, bridge and port it makes goes away with the namespace.

    with Market(bin_dir) as market:
        offer = market.offers()[0]
        instance = market.rent(offer["id"], image="bb:1")
        market.wait_running(instance)
        print(market.ssh(instance, "uname -a").stdout)

A test program calls main(run): it enters the namespace, skips (exit 77) with one line where an
engine cannot run here, and fails instead of skipping where BERTH_REQUIRE_ENGINE=1.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from patience import Failure, check, wait_until  # noqa: E402

SKIP = 77
PORTS = (42000, 42099)
DISK_GB = 100  # of every host: how much of this machine's disk is free is no matter of a test

# What a failure may be about.
BOOKS = {
    "machines": "SELECT id, is_online, is_engine_ok, is_listed, is_quarantined, verification, promised, decide_us "
                "FROM machine",
    "offers": "SELECT id, machine_id, num_gpus, disk_gb, run_bid_hour, end_us FROM offer WHERE removed_us IS NULL",
    "contracts": "SELECT id, kind, state, reason, reason_detail, disk_gb FROM contract WHERE state <> 9",
    "claims": "SELECT contract_id, gpu_id FROM gpu_claim WHERE released_us IS NULL",
}


class UnixHttp:
    """Just enough HTTP over a unix socket to ask the engine what is there."""

    def __init__(self, path):
        self.path = path

    def request(self, method, target, body=b"", content_type="application/json"):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.path)
            head = (f"{method} {target} HTTP/1.0\r\nHost: engine\r\nContent-Type: {content_type}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n")
            s.sendall(head.encode() + body)
            data = b""
            while piece := s.recv(65536):
                data += piece
        head, _, payload = data.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if b"chunked" in head.lower():
            payload = unchunk(payload)
        return status, payload


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            break
        out, data = out + data[:count], data[count + 2:]
    return out


class Market:
    def __init__(self, bin_dir, store=None, credit="25.00", simulate_gpus=None, host_options=(),
                 listen=None, host_prefix=(), public_ip="127.0.0.1", server_options=(), host_credit="0.00"):
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"berth-e2e-{os.getpid()}-", dir="/var/tmp"))
        self.store = store
        self.credit, self.host_credit = credit, host_credit
        self.simulate_gpus = simulate_gpus
        self.host_options = list(host_options)
        self.server_options = list(server_options)
        self.host_prefix = list(host_prefix)  # nsenter, where the host is elsewhere
        self.public_ip = public_ip
        self.server = self.host = None
        self.url, self.listen = None, listen
        self.keys = {}
        self.machine = None
        self.place = "host"  # the folder of the host whose engine is asked
        self.log = open(self.dir / "test.log", "a", encoding="utf-8")

    # Life

    def __enter__(self):
        try:
            self.start_server()
            for name, credit in (("host", self.host_credit), ("ada", self.credit), ("bo", self.credit)):
                self.keys[name] = self.make_user(name, credit)
            self.start_host(token=self.token())
            self.wait_engine()
            self.make_ssh_key()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.show_logs()
        for process in (self.host, self.server):
            stop(process)
        if (self.dir / "host").exists():
            subprocess.run([self.bin / "berth-host", "stop-engine", "--data", self.dir / "host"],
                           stdout=self.log, stderr=self.log, timeout=60, check=False)
        self.log.close()
        subprocess.run(["umount", "-q", self.dir / "host/engine/data"], check=False,
                       stderr=subprocess.DEVNULL)
        if kind is None or not os.environ.get("BERTH_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print(f"kept: {self.dir}", file=sys.stderr)

    def show_logs(self):
        for name in ("server.log", "host.log"):
            path = self.dir / name
            if path.exists():
                lines = path.read_text(errors="replace").splitlines()[-25:]
                print(f"--- {name}", *lines, sep="\n", file=sys.stderr)
        self.show_books()

    def show_books(self):
        """What there is to rent, and who has it."""
        if self.store or not (self.dir / "server/berth.sqlite").exists():
            return
        for title, sql in BOOKS.items():
            try:
                print(f"--- {title}", *self.sql(sql), sep="\n", file=sys.stderr)
            except sqlite3.Error as error:
                print(f"--- {title}: {error}", file=sys.stderr)

    def start_server(self):
        log = open(self.dir / "server.log", "a", encoding="utf-8")
        mark = log.tell()
        command = [self.bin / "berthd", "serve", "--data", self.dir / "server", "--listen",
                   self.listen or "127.0.0.1:0", "--auto-verify", "--allow-simulated",
                   *self.server_options]
        if self.store:
            command += ["--store", self.store]
        self.server = subprocess.Popen(command, stderr=log, stdout=log)
        line = self.wait_line("server.log", "berthd: ready on ", self.server, mark)
        self.url = line.rsplit(" ", 1)[1]
        self.listen = self.url.removeprefix("http://")

    def start_host(self, token=None):
        log = open(self.dir / "host.log", "a", encoding="utf-8")
        mark = log.tell()
        command = [*self.host_prefix, self.bin / "berth-host", "run", "--server", self.url, "--data",
                   self.dir / "host", "--private-engine", "--ports", f"{PORTS[0]}-{PORTS[1]}",
                   "--disk-gb", str(DISK_GB)]
        if self.public_ip:
            command += ["--public-ip", self.public_ip]
        command += self.host_options
        if token:
            command += ["--token", token]
        if self.simulate_gpus:
            command += ["--simulate-gpus", self.simulate_gpus]
        self.host = subprocess.Popen(command, stderr=log, stdout=log)
        line = self.wait_line("host.log", "berth-host: connected as machine ", self.host, mark, 60)
        self.machine = int(line.rsplit(" ", 1)[1])

    def stop_host(self):
        stop(self.host)

    def wait_line(self, name, prefix, process, mark, seconds=30):
        def probe():
            if process.poll() is not None:
                raise Failure(f"{name}: the process ended with {process.returncode}")
            with open(self.dir / name, encoding="utf-8", errors="replace") as log:
                log.seek(mark)
                for line in log:
                    if prefix in line and line.endswith("\n"):
                        return line[line.index(prefix):].strip()
            return None

        return wait_until(f"'{prefix}' in {name}", seconds, probe)

    def restart_server(self):
        self.start_server()

    # The engine, behind the market's back

    @property
    def engine_socket(self):
        return str(self.dir / self.place / "engine/docker.sock")

    def engine(self, method, target, body=b"", content_type="application/json"):
        return UnixHttp(self.engine_socket).request(method, target, body, content_type)

    def wait_engine(self):
        def probe():
            try:
                return self.engine("GET", "/_ping")[0] == 200
            except OSError:
                return False

        wait_until("the engine answers", 40, probe)

    def containers(self):
        """Every container with Berth's label, whatever its state."""
        filters = urllib.request.quote(json.dumps({"label": ["berth.instance"]}))
        status, body = self.engine("GET", f"/v1.41/containers/json?all=1&filters={filters}")
        check(status == 200, f"the engine lists containers: {status}")
        return json.loads(body)

    def networks(self):
        """Every network of ours, those that were made ahead too."""
        _, body = self.engine("GET", "/v1.41/networks")
        return [n["Name"] for n in json.loads(body) if n["Name"].startswith(("bt", "berth"))]

    def holders(self):
        """The containers that hold networks, by name: of instances, and ready for the next ones."""
        filters = urllib.request.quote(json.dumps({"label": ["berth.slot"]}))
        _, body = self.engine("GET", f"/v1.41/containers/json?all=1&filters={filters}")
        return {c["Names"][0].lstrip("/"): c["State"] for c in json.loads(body)}

    def wait_pool(self, seconds=30):
        """Until one holder and one bare network are ready, and there is nothing else."""
        wait_until("one holder and two networks are left", seconds, lambda: self.is_only_pool())

    def is_only_pool(self):
        holders, networks = self.holders(), self.networks()
        return len(holders) == 1 and set(holders.values()) == {"running"} and len(networks) == 2

    def wait_ready(self, seconds=30):
        """Until a running holder is there that no instance has joined."""
        def probe():
            _, body = self.engine("GET", "/v1.41/containers/json?all=1")
            joined = {c["HostConfig"]["NetworkMode"].removeprefix("container:") for c in json.loads(body)}
            return any(c["State"] == "running" and "berth.slot" in c["Labels"] and c["Id"] not in joined
                       for c in json.loads(body))

        wait_until("a network is ready for the next one", seconds, probe)

    def import_image(self, name, files, command=None):
        """An image of these files: {path: bytes or link target as 'link:...'}"""
        archive = make_tar(files)
        repo, tag = name.split(":")
        target = f"/v1.41/images/create?fromSrc=-&repo={repo}&tag={tag}"
        for change in ([f"CMD {json.dumps(command)}"] if command else []) + ["ENV PATH=/bin:/usr/bin"]:
            target += "&changes=" + urllib.request.quote(change)
        status, body = self.engine("POST", target, archive, "application/x-tar")
        check(status == 200 and b'"error"' not in body, f"import {name}: {status} {body[-300:]}")

    def import_busybox(self, name="bb:1", more=None):
        """Busybox alone, or with `more` files."""
        binary = pathlib.Path(shutil.which("busybox")).read_bytes()
        applets = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
        files = {"bin/busybox": binary, "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
                 "etc/group": b"root:x:0:\n", "root/.keep": b"", "tmp/.keep": b""}
        for applet in applets.stdout.split():
            if applet != "busybox":
                files[f"bin/{applet}"] = "link:busybox"
        self.import_image(name, files | (more or {}), ["/bin/sh"])

    # Accounts and requests

    def make_user(self, name, credit):
        command = [self.bin / "berthd", "admin", "--data", self.dir / "server"]
        if self.store:
            command += ["--store", self.store]
        done = subprocess.run(command + ["user", "create", "--email", f"{name}@localhost", "--credit",
                                         credit], capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"user create {name}: {done.stderr}")
        return json.loads(done.stdout)["api_key"]

    def token(self):
        return json.loads(self.berth("host", "token", "--raw", user="host").stdout)["token"]

    def api(self, method, path, body=None, user="ada", key=None, raw=None):
        """(status, parsed reply)"""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        key = key if key is not None else self.keys.get(user) if user else None
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, parse(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, parse(error.read())

    def berth(self, *arguments, user="ada", ok=True, timeout=90, **more):
        environment = dict(os.environ, BERTH_URL=self.url, BERTH_API_KEY=self.keys[user],
                           XDG_CONFIG_HOME=str(self.dir / "config"))
        done = subprocess.run([self.bin / "berth", *map(str, arguments)], capture_output=True,
                              text=True, env=environment, timeout=timeout, check=False, **more)
        if ok:
            check(done.returncode == 0,
                  f"berth {' '.join(map(str, arguments))}: {done.returncode} {done.stderr}{done.stdout}")
        return done

    def make_ssh_key(self):
        self.ssh_key = self.dir / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.ssh_key], check=True)
        self.berth("create", "ssh-key", self.ssh_key.with_suffix(".pub").read_text())

    # The renter's journey

    def list_machine(self, price_gpu="0.36", price_disk="0.15", price_up="0", price_down="0"):
        self.berth("list", "machine", self.machine, "-g", price_gpu, "-s", price_disk, "-u", price_up,
                   "-d", price_down, "-m", "1", user="host")

    def offers(self, user="ada"):
        return json.loads(self.berth("search", "offers", "--raw", user=user).stdout)

    def rent(self, offer, image, user="ada", **more):
        body = {"client_id": "me", "image": image, "disk": 4, "runtype": "ssh_direc ssh_proxy"} | more
        status, reply = self.api("PUT", f"/api/v0/asks/{offer}/", body, user=user)
        check(status == 200 and reply.get("success"), f"rent: {status} {reply}")
        return reply["new_contract"]

    def instance(self, number, user="ada"):
        status, reply = self.api("GET", f"/api/v0/instances/{number}/?owner=me", user=user)
        check(status == 200, f"instance {number}: {status} {reply}")
        return reply["instances"]

    def wait_status(self, number, status, seconds=60, user="ada"):
        seen = {}

        def probe():
            seen["row"] = self.instance(number, user) or {}
            return seen["row"].get("actual_status") == status

        try:
            wait_until(f"instance {number} is {status}", seconds, probe, 0.1)
        except Failure as failure:
            row = seen.get("row", {})
            raise Failure(f"{failure}; it is {row.get('actual_status')}: {row.get('status_msg')}") from None
        return seen["row"]

    def wait_running(self, number, seconds=60, user="ada"):
        row = self.wait_status(number, "running", seconds, user)
        check(row["ports"].get("22/tcp"), f"a running instance has its SSH port: {row['ports']}")
        return row

    def ssh_options(self, port_flag="-p", number=None, key=None):
        row = self.instance(number)
        check(row and row["ports"].get("22/tcp"), f"instance {number} has an SSH port")
        port = row["ports"]["22/tcp"][0]["HostPort"]
        return [port_flag, port, "-i", str(key or self.ssh_key), "-o", "StrictHostKeyChecking=no", "-o",
                f"UserKnownHostsFile={self.dir}/known_hosts", "-o", "BatchMode=yes", "-o",
                "ConnectTimeout=10", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes"]

    def ssh_command(self, number, *command, key=None):
        """For a test that wants the process."""
        address = self.instance(number)["public_ipaddr"]
        return ["ssh", *self.ssh_options("-p", number, key), f"root@{address}", *command]

    def ssh(self, number, *command, ok=True, key=None, **more):
        done = subprocess.run(self.ssh_command(number, *command, key=key),
                              capture_output=True, text=more.pop("text", True), timeout=60, check=False,
                              **({"stdin": subprocess.DEVNULL} | more if "input" not in more else more))
        if ok:
            check(done.returncode == 0, f"ssh {command}: {done.returncode} {done.stderr}")
        return done

    def destroy(self, number, user="ada", seconds=60):
        status, reply = self.api("DELETE", f"/api/v0/instances/{number}/", {}, user=user)
        check(status == 200 and reply["success"], f"destroy {number}: {status} {reply}")
        check(self.instance(number, user) is None, f"instance {number} is gone at once for its renter")
        wait_until(f"the container of {number} is gone", seconds,
                   lambda: all(c["Labels"]["berth.instance"] != str(number) for c in self.containers()))

    # The books

    def check_books(self):
        """berthd's own check of every invariant, on the live database."""
        command = [self.bin / "berthd", "check", "--data", self.dir / "server"]
        if self.store:
            command += ["--store", self.store]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        check(done.returncode == 0, f"berthd check: {done.stdout}{done.stderr}")

    def sql(self, query, *arguments):
        check(not self.store, "only a market on SQLite can be looked into here")
        with sqlite3.connect(f"file:{self.dir}/server/berth.sqlite?mode=ro", uri=True) as connection:
            return connection.execute(query, arguments).fetchall()

    def kill(self, who):
        """kill -9 of 'server', 'host' or 'engine'."""
        if who == "engine":
            pid = int((self.dir / "host/engine/docker.pid").read_text())
            os.kill(pid, signal.SIGKILL)
            return
        process = self.server if who == "server" else self.host
        process.kill()
        process.wait()


def stop(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print(f"killed: {process.args[0]} did not stop within 15 s", file=sys.stderr)


def parse(data):
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode(errors="replace")


def make_tar(files):
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content.removeprefix("link:")
                archive.addfile(info)
            else:
                info.size, info.mode = len(content), 0o755
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def skip(reason):
    print(f"ENGINE TESTS NOT RUN: {reason}")
    sys.exit(1 if os.environ.get("BERTH_REQUIRE_ENGINE") == "1" else SKIP)


def why_no_engine():
    if os.geteuid() != 0:
        return f"not root (uid {os.geteuid()})"
    for program in ("dockerd", "containerd", "runc", "ip", "iptables", "nsenter", "ssh", "busybox"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None


def main(run, add_arguments=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    if add_arguments:
        add_arguments(parser)
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    options.bin = options.bin.resolve()
    if not options.inside:
        if reason := why_no_engine():
            skip(reason)
        name = f"berth-{os.getpid()}"
        if subprocess.run(["ip", "netns", "add", name], check=False).returncode != 0:
            skip("cannot make a network namespace")
        try:
            enter = ["nsenter", f"--net=/run/netns/{name}"]
            subprocess.run(enter + ["ip", "link", "set", "lo", "up"], check=True)
            sys.exit(subprocess.run(enter + [sys.executable, *sys.argv, "--inside"], check=False).returncode)
        finally:
            subprocess.run(["ip", "netns", "del", name], check=False)
    try:
        run(options)
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        sys.exit(1)


def steps(cases):
    """Run named cases one after another; the closing line counts them."""
    for number, (name, case) in enumerate(cases, 1):
        began = time.monotonic()
        try:
            case()
        except (Failure, subprocess.SubprocessError, OSError) as failure:
            print(f"not ok {number} - {name}: {failure}", flush=True)
            print(f"{number - 1} passed, 1 failed")
            raise Failure(f"{name}: {failure}") from failure
        print(f"ok {number} - {name} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{len(cases)} passed, 0 failed")
