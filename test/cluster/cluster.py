# SPDX-License-Identifier: Apache-2.0
"""Several berthd on one PostgreSQL, with a wire to it that can be cut for each, or with a replica beside it, and
nginx in front as deploy/nginx.conf has it.

    cluster = Cluster(binaries, folder, servers=2)
    cluster.start()                      # then cluster.port is nginx's
    cluster.servers[0].kill(); cluster.servers[0].start()
    cluster.postgres.kill(); cluster.postgres.start()
    cluster.servers[1].wire.cut(); cluster.servers[1].wire.heal()
"""

import argparse
import ctypes
import glob
import http.client
import json
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "test/e2e"))  # last: there is a torture.py of its own in it
from client import call  # noqa: E402
from patience import Failure, check, wait_until  # noqa: E402
from ports import free_port  # noqa: E402

PR_SET_PDEATHSIG = 1
NGINX = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.log; user root;
worker_rlimit_nofile 65536; events {{ worker_connections 30000; }}
http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; include {dir}/berth.conf; }}
"""


def die_with_the_test():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def unit_environment():
    """What the server's unit sets: servers here run as those of a market do."""
    unit = (ROOT / "deploy/systemd/berthd.service").read_text()
    return dict(re.findall(r"^Environment=(\w+)=(\S+)$", unit, re.M))


def enter(run, name, **numbers):
    """The command line of a program here: --bin, --servers (2), and a number for each of `numbers`, with its default.
    Runs run(options, folder) in a folder of its own, and shows the end of its log if that fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    for option, default in {"servers": 2, **numbers}.items():
        parser.add_argument(f"--{option}", type=type(default), default=default)
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    if postgres_programs() is None or shutil.which("nginx", path="/usr/sbin:/sbin:/usr/bin") is None:
        print("NOT RUN: PostgreSQL and nginx are needed")
        sys.exit(77)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"berth-{name}-"))
    try:
        run(options, folder)
    except AssertionError as failure:
        print((folder / "log").read_text(errors="replace")[-4000:], file=sys.stderr)
        sys.exit(f"FAILED: {failure}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgres_programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    return pathlib.Path(found[-1]).parent if found else None


class Postgres:
    """As a user of its own where we are root, as it wants; durable, as in life."""

    def __init__(self, folder, name="postgres", options=(), of=None):
        """`of` another: with a copy of its data, taken while it runs, that follows it."""
        self.folder, self.port, self.options = folder / name, free_port(), options
        self.programs = postgres_programs()
        self.process = None
        owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.ids = (owner.pw_uid, owner.pw_gid)
        folder.chmod(0o755)
        self.folder.mkdir(mode=0o700)
        os.chown(self.folder, *self.ids)
        if of is not None:
            self.run("pg_basebackup", "-h", of.folder, "-p", str(of.port), "-U", "berth", "-D", self.folder / "data",
                     "-X", "stream", "-c", "fast", "-R")
            return
        self.run("initdb", "-D", self.folder / "data", "-U", "berth", "-A", "trust", "-E", "UTF8", "--no-sync",
                 "--locale=C")

    def become(self):
        die_with_the_test()
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(self.ids[1])
            os.setuid(self.ids[0])
            die_with_the_test()  # forgotten with the user

    def run(self, program, *words):
        done = subprocess.run([self.programs / program, *words], capture_output=True, text=True, check=False,
                              preexec_fn=self.become, cwd="/")
        check(done.returncode == 0, f"{program}: {done.stderr}")
        return done.stdout

    def spawn(self):
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder,
             "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "shared_buffers=128MB",
             *(word for option in self.options for word in ("-c", option))],
            preexec_fn=self.become, cwd="/", stdout=subprocess.DEVNULL, stderr=open(self.folder.parent / "pg.log", "a"))

    def start(self):
        """Again where it ends: what is left of one that was killed may hold its memory for a moment."""
        self.spawn()
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                return self.query("SELECT 1", database="postgres")
            except Failure:
                time.sleep(0.05)
            if self.process.poll() is not None:
                time.sleep(0.5)
                self.spawn()
        raise Failure("PostgreSQL does not start: " + (self.folder.parent / "pg.log").read_text()[-1000:])

    def kill(self):
        """Immediate stop: no checkpoint, every connection gone, recovery from the log afterwards."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)

    def query(self, sql, database="berth"):
        done = subprocess.run([self.programs / "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-h", self.folder, "-p",
                               str(self.port), "-U", "berth", "-d", database, "-c", sql], capture_output=True, text=True,
                              check=False, cwd="/")
        check(done.returncode == 0, done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]


class Wire(threading.Thread):
    """Bytes between a port of its own and another, until it is cut: then every connection breaks, and
    new ones are taken and say nothing, as where a network is gone."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs, self.is_cut = {}, False
        self.wake_read, self.wake_write = os.pipe()
        self.start()

    def cut(self, silently=False):
        """Silently: nothing says that it is gone, and what was on the way stays there."""
        with self.lock:
            self.is_cut = True
            self.is_silent = silently
        os.write(self.wake_write, b"x")

    def heal(self):
        with self.lock:
            self.is_cut = False
        os.write(self.wake_write, b"x")

    def drop(self, end):
        other = self.pairs.pop(end, None)
        for each in (end, other):
            if each is not None:
                self.pairs.pop(each, None)
                each.close()

    def accept(self):
        near, _ = self.listener.accept()
        if self.is_cut:
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            near.close()
            return
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs[near], self.pairs[far] = far, near

    def move(self, end):
        if end not in self.pairs:
            return
        try:
            data = end.recv(262144)
            if data:
                self.pairs[end].sendall(data)
                return
        except OSError:
            pass
        self.drop(end)

    def run(self):
        while True:
            with self.lock:
                is_cut, is_silent = self.is_cut, getattr(self, "is_silent", False)
            if is_cut and not is_silent:
                for end in list(self.pairs):
                    self.drop(end)
            watched = [self.listener, self.wake_read] + ([] if is_cut else list(self.pairs))
            ready, _, _ = select.select(watched, [], [], 1)
            for end in ready:
                if end == self.wake_read:
                    os.read(self.wake_read, 64)
                elif end is self.listener:
                    self.accept()
                else:
                    self.move(end)


class Server:
    def __init__(self, cluster, number):
        self.cluster, self.data = cluster, cluster.folder / f"server{number}"
        self.wire = Wire(cluster.postgres.port)
        self.port = free_port()
        self.process = None

    def start(self, wait=True):
        self.process = subprocess.Popen(
            [self.cluster.bin / "berthd", "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", "--store",
             self.cluster.store or f"postgres://berth@127.0.0.1:{self.wire.port}/berth", "--auto-verify", "--allow-simulated",
             "--trusted-proxies", "127.0.0.1", "--rate-factor", "0"],
            stdout=self.cluster.log, stderr=self.cluster.log, preexec_fn=die_with_the_test,
            env={**os.environ, **unit_environment()})
        if wait:
            self.wait()

    def wait(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure(f"berthd ended with {self.process.returncode}")
            if self.answers():
                return
            time.sleep(0.02)
        raise Failure("berthd does not answer")

    def answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.process.terminate()
        self.process.wait(30)
        self.start()


class Cluster:
    def __init__(self, binaries, folder, servers):
        self.bin, self.folder = binaries, folder
        self.log = open(folder / "log", "a")
        self.hosts = []
        self.postgres = Postgres(folder)
        self.count = servers
        self.nginx = None
        self.store = None  # a URL in place of each server's wire

    def start(self):
        self.start_postgres()
        self.start_servers()

    def start_postgres(self):
        self.postgres.start()
        self.postgres.run("createdb", "-h", self.postgres.folder, "-p", str(self.postgres.port), "-U", "berth", "berth")

    def start_servers(self):
        self.servers = [Server(self, number) for number in range(self.count)]
        self.servers[0].start()
        for server in self.servers[1:]:
            # Each has a copy of the same keys, and a name of its own.
            server.data.mkdir(mode=0o700)
            for key in ("server.key", "master.key"):
                shutil.copy(self.servers[0].data / key, server.data / key)
            server.start()
        self.start_nginx()

    def start_nginx(self):
        self.port = free_port()
        text = (ROOT / "deploy/nginx.conf").read_text()
        text = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{self.port};", text)
        text = re.sub(r" *ssl_.*\n", "", text)
        self.upstream = self.folder / "berth.upstream"
        self.write_upstream()
        text, count = re.subn(r"server 127\.0\.0\.1:8080;", f"include {self.upstream};", text)
        check(count == 1, "deploy/nginx.conf has one server, as it says")
        (self.folder / "berth.conf").write_text(text)
        (self.folder / "nginx.conf").write_text(NGINX.format(dir=self.folder))
        program = shutil.which("nginx", path="/usr/sbin:/sbin:/usr/bin")
        check(program is not None, "nginx is installed")
        self.nginx = subprocess.Popen([program, "-p", self.folder, "-c", self.folder / "nginx.conf"],
                                      stdout=self.log, stderr=self.log, preexec_fn=die_with_the_test)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failure("nginx does not start")

    def write_upstream(self):
        self.upstream.write_text("".join(f"server 127.0.0.1:{server.port};\n" for server in self.servers))

    def stop(self):
        if self.nginx is not None:
            self.nginx.terminate()  # killed, it would leave its workers behind
            self.nginx.wait(30)
        for process in [*self.hosts, *(server.process for server in getattr(self, "servers", [])),
                        self.postgres.process]:
            if process is not None and process.poll() is None:
                process.kill() if process is not self.postgres.process else process.send_signal(signal.SIGQUIT)
                process.wait(30)
        self.log.close()

    def call(self, method, path, body=None, key=None, source="127.0.0.1", port=None):
        return call(port or self.port, method, path, body, key, source)

    def berthd(self, *words):
        return subprocess.run([self.bin / "berthd", *words], capture_output=True, text=True, timeout=600, check=False)

    def url(self):
        return f"postgres://berth@127.0.0.1:{self.postgres.port}/berth"

    def admin(self, *words):
        done = self.berthd("admin", "--data", str(self.servers[0].data), "--store", self.url(), *words)
        check(done.returncode == 0, f"admin {' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def check_books(self):
        done = self.berthd("check", "--store", self.url())
        check(done.returncode == 0, f"check: {done.stdout}{done.stderr}")

    def online(self):
        return self.postgres.query("SELECT id FROM machine WHERE is_online = 1")

    def settle(self, hosts, gpus, renters):
        """Hosts with listed machines, renters with more than they can spend; all of them through nginx."""
        host = self.admin("user", "create", "--email", "host@localhost")
        for _ in range(hosts):
            token = self.call("POST", "/api/v0/machines/enroll_token/", {}, host["api_key"])[1]["token"]
            self.hosts.append(subprocess.Popen(
                [self.bin / "sim-host", "--server", f"http://127.0.0.1:{self.port}", "--token", token, "--gpus",
                 str(gpus)], stderr=self.log, preexec_fn=die_with_the_test))
        wait_until("the hosts are there", 60, lambda: len(self.online()) == hosts)
        for (machine,) in self.online():
            status, reply = self.call("PUT", "/api/v0/machines/create_asks/", {
                "machine": int(machine), "price_gpu": 900, "price_disk": 900, "min_chunk": 1}, host["api_key"])
            check(status == 200, f"listed: {status} {reply}")
        return [self.admin("user", "create", "--email", f"renter{i}@localhost", "--credit", "1000000.00")
                for i in range(renters)]
