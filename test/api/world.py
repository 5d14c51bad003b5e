# SPDX-License-Identifier: Apache-2.0
"""A berthd of its own for a test, people with accounts, and machines that exist on paper.

    with World() as world:
        ada = world.user("ada", credit="25.00")
        status, reply = ada.call("GET", "/api/v0/users/current")

Every reply passes the checker of schema.py. A machine here is an agent without an engine: it
enrols, opens a session, sends heartbeats and says of each instance what the test wants it to.
"""

import base64
import ctypes
import gzip
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import schema  # noqa: E402
from patience import wait_until  # noqa: E402

SKIP = 77
BIN = pathlib.Path(os.environ.get("BERTH_BIN", schema.ROOT / "build/bin"))


PR_SET_PDEATHSIG = 1


def die_with_the_test():
    """In the child: no server outlives a test that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def totp(seed, steps=0):
    """What an authenticator app shows, so many steps of thirty seconds from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    mac = hmac.new(base64.b32decode(seed), counter, hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


class World:
    def __init__(self, *options):
        self.options = options
        self.codes = set()
        self.checker = schema.Checker()

    def __enter__(self):
        if not (BIN / "berthd").exists():
            print(f"skipped: there is no {BIN / 'berthd'}")
            sys.exit(SKIP)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"berth-api-{os.getpid()}-"))
        self.data = self.dir / "data"
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def start(self):
        self.log = open(self.dir / "log", "w+")
        self.server = subprocess.Popen(
            [BIN / "berthd", "serve", "--data", self.data, "--listen", "127.0.0.1:0",
             "--auto-verify", "--allow-simulated", *self.options],
            stderr=self.log, stdout=self.log, preexec_fn=die_with_the_test)
        self.wait_ready()

    def restart(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(20)
        self.log.close()
        self.start()

    def wait_ready(self):
        def address():
            text = (self.dir / "log").read_text()
            if self.server.poll() is not None:
                raise RuntimeError(f"berthd ended with {self.server.returncode}:\n{text}")
            return re.search(r"berthd: ready on http://(\S+)[^\n]*\n", text)

        self.address = wait_until("berthd is ready", 60, address)[1]
        self.host, _, port = self.address.rpartition(":")
        self.port = int(port)

    def __exit__(self, kind, value, trace):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        self.log.close()
        text = (self.dir / "log").read_text()
        shutil.rmtree(self.dir, ignore_errors=True)
        if kind is not None or self.server.returncode != 0:
            print(f"--- berthd, which ended with {self.server.returncode}:\n{text[-6000:]}---",
                  file=sys.stderr)
        if kind is None and self.server.returncode != 0:
            raise RuntimeError("berthd did not end cleanly")

    def call(self, method, path, body=None, **more):
        """Status and reply, checked against the route's declaration."""
        return self.call_whole(method, path, body, **more)[:2]

    def call_whole(self, method, path, body=None, key=None, headers=None, raw=None, source=None):
        """The same and the reply's headers. `source`: from that address of this machine."""
        connection = http.client.HTTPConnection(
            self.host, self.port, timeout=40, source_address=source and (source, 0))
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body=data, headers=sent)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in reply.getheaders()}
        if found.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        parsed = self.checker.check(method, path, reply.status, found, content)
        return reply.status, parsed, found

    def admin(self, *words):
        done = subprocess.run([BIN / "berthd", "admin", "--data", self.data, *words],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"berthd admin {' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def user(self, name, credit=None, is_admin=False):
        words = ["user", "create", "--email", f"{name}@berth.test", "--username", name]
        words += ["--credit", credit] if credit else []
        words += ["--admin"] if is_admin else []
        made = self.admin(*words)
        return Person(self, made["id"], made["api_key"])

    def mail_code(self, to):
        """The code of the newest mail to that email."""
        def newest():
            for text in reversed(self.mails(to)):
                found = re.search(r"Code: (\S+)\r\n", text)
                if found and found[1] not in self.codes:
                    self.codes.add(found[1])
                    return found[1]
            return None

        return wait_until(f"a code for {to}", 30, newest)

    def mails(self, to):
        """All that went to that email, oldest first."""
        texts = [path.read_bytes().decode() for path in sorted((self.data / "outbox").glob("*.eml"))]
        return [text for text in texts if f"To: <{to}>\r\n" in text]

    def team(self, owner, name):
        """A team of the owner's, as what acts for it."""
        made = owner.ok("POST", "/api/v0/team/", {"team_name": name})
        return Person(self, made["team_id"], made["key"])

    def join(self, team, person, email, role):
        """The person is a member; as what acts for the team with that role."""
        team.ok("POST", "/api/v0/team/invite/", {"email": email, "role": role})
        made = person.ok("POST", "/api/v0/team/accept/", {"code": self.mail_code(email)})
        return Person(self, made["team_id"], made["key"])

    def session_of(self, person, password):
        """One that is open, by a password that the account gets if it has none."""
        person.call("PUT", "/api/v0/users/password/", {"new_password": password, "password": password})
        email = person.ok("GET", "/api/v0/users/current/")["email"]
        status, reply = self.call("POST", "/api/v0/sessions/", {"email": email, "password": password})
        if status != 200:
            raise AssertionError(f"login: {status} {reply}")
        return reply["session_key"]

    def second_factor(self, person):
        """An authenticator app of the account: its id, seed and backup codes."""
        seed = person.ok("POST", "/api/v0/tfa/totp-setup/", {})["secret"]
        done = person.ok("POST", "/api/v0/tfa/confirm-new/", {
            "tfa_method": "totp", "code": totp(seed), "secret": seed, "label": "phone"})
        methods = person.ok("GET", "/api/v0/tfa/status/")["methods"]
        return {"id": methods[-1]["id"], "seed": seed, "codes": done.get("backup_codes")}

    def socket(self):
        return socket.create_connection((self.host, self.port), timeout=15)


class Person:
    """Somebody with a key; None is nobody."""

    def __init__(self, world, number, key):
        self.world, self.id, self.key = world, number, key

    def call(self, method, path, body=None, **more):
        return self.world.call(method, path, body, key=self.key, **more)

    def ok(self, method, path, body=None):
        status, reply = self.call(method, path, body)
        if status != 200:
            raise AssertionError(f"{method} {path} {body}: {status} {reply}")
        return reply

    def machine(self, gpus=2, **facts):
        token = self.ok("POST", "/api/v0/machines/enroll_token/", {})["token"]
        return Machine(self.world, token, gpus, facts)


def sign(*words, body=b""):
    done = subprocess.run([BIN / "api_sign", *map(str, words)], input=body, capture_output=True,
                          timeout=30, check=True)
    return done.stdout.decode().strip()


class Machine:
    """An agent on paper. Instances follow the desired state at each beat() as `follow` says."""

    def __init__(self, world, token, gpus, facts):
        self.world = world
        self.keys = json.loads(sign("keys"))
        self.facts = {
            "hostname": "paper", "os_version": "22.04", "cpu_name": "Paper 1", "cpu_arch": "amd64",
            "cpu_cores": 16, "cpu_mhz": 3000, "has_avx": True, "ram_mb": 64000,
            "disk_name": "Paper disk", "disk_gb": 500, "disk_mbs": 1000, "inet_up_kbps": 500000,
            "inet_down_kbps": 500000, "public_ip": "203.0.113.9", "port_first": 40000,
            "port_last": 40099, "driver_version": "570.86.15", "cuda_version": 128,
            "is_simulated": False, "agent_version": "0.1.0", "engine_version": "20.10",
            "gpus": [{"uuid": f"GPU-{secrets.token_hex(16)}", "name": "RTX 4090",
                      "memory_mb": 24564, "compute_cap": 890, "power_max_w": 450, "pcie_gen": 4,
                      "pcie_lanes": 16, "pci_bus": f"0000:0{i}:00.0"} for i in range(gpus)],
        } | facts
        status, reply = world.call("POST", "/agent/v1/enroll", {
            "token": token, "public_key": self.keys["public"], "facts": self.facts})
        if status != 200:
            raise AssertionError(f"enrolment: {status} {reply}")
        self.id = reply["machine_id"]
        self.boot_id = secrets.token_hex(16)
        self.gauges = {}
        self.fingerprint = base64url(secrets.token_bytes(32))
        self.seqs = {"hb": 0, "poll": 0, "op": 0}
        self.rev = 0
        self.desired = {"instances": [], "ops": []}
        self.reports = {}
        self.started = time.monotonic()
        self.open()

    def open(self):
        nonce = self.world.call("POST", "/agent/v1/nonce", {"machine_id": self.id})[1]["nonce"]
        request = {"machine_id": self.id, "nonce": nonce, "boot_id": self.boot_id,
                   "agent_incarnation": 1, "fingerprint": self.fingerprint, "facts": self.facts,
                   "signature": base64url(bytes(64))}
        body = sign("session", self.keys["secret"], body=json.dumps(request).encode())
        status, reply = self.world.call("POST", "/agent/v1/session", raw=body.encode())
        if status != 200:
            raise AssertionError(f"session: {status} {reply}")
        self.epoch = reply["session_epoch"]

    def headers(self, method, path, stream, body):
        self.seqs[stream] += 1
        seq = self.seqs[stream]
        signature = sign("request", self.keys["secret"], method, path, self.id, self.epoch, stream,
                         seq, body=body)
        return {"Berth-Machine": str(self.id), "Berth-Epoch": str(self.epoch),
                "Berth-Seq": str(seq), "Berth-Signature": signature}

    def send(self, method, path, stream, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        headers = self.headers(method, path, stream, data)
        return self.world.call(method, path, raw=data or None, headers=headers)

    def poll(self):
        """Take the desired state if it is newer."""
        status, reply = self.send("GET", f"/agent/v1/desired?after={self.rev}", "poll")
        if status == 200:
            self.desired, self.rev = reply, reply["desired_rev"]
        return status

    def report_of(self, instance):
        phase = {"running": "running", "stopped": "stopped", "absent": "absent"}[instance["state"]]
        report = self.reports.setdefault(instance["id"], {"since": time.monotonic(), "token": 0})
        if report.get("phase") != phase:
            report |= {"phase": phase, "since": time.monotonic(), "token": report["token"] + 1}
        is_running = phase == "running"
        return {"id": instance["id"], "gen": instance["gen"], "phase": phase,
                "start_token": f"{instance['id']}-{report['token']}" if is_running else "",
                "run_ms": int(1000 * (time.monotonic() - report["since"])) if is_running else 0,
                "counter_epoch": 1, "bytes_up": 0, "bytes_down": 0, "exit_code": -1,
                "restart_nonce": instance["restart_nonce"], "disk_used_mb": 10,
                "cpu_permille": 5, "ram_used_mb": 20, "gpu_permille": 0, "message": "",
                "ssh_port": 40000 + instance["id"] % 100 if is_running else 0,
                "ports": [{"port": 22, "is_udp": False,
                           "host_port": 40000 + instance["id"] % 100}] if is_running else []}

    def beat(self):
        """One heartbeat, as of the desired state that was last taken."""
        body = {"session_epoch": self.epoch, "seq": self.seqs["hb"] + 1, "boot_id": self.boot_id,
                "agent_incarnation": 1, "mono_ms": int(1000 * (time.monotonic() - self.started)),
                "applied_rev": self.rev, "is_engine_ok": True, "engine_message": "",
                "quarantined_count": 0, "disk_free_gb": 400, **self.gauges,
                "instances": [self.report_of(one) for one in self.desired["instances"]] + [
                    self.report_of(one | {"state": "absent", "restart_nonce": 0})
                    for one in self.desired.get("gone", [])]}
        status, reply = self.send("POST", "/agent/v1/heartbeat", "hb", body)
        if status != 200:
            raise AssertionError(f"heartbeat: {status} {reply}")
        return reply["desired_rev"]

    def follow(self):
        """Do what is asked, and say so, until there is nothing new."""
        for _ in range(20):
            if self.beat() <= self.rev:
                return
            self.poll()
        raise AssertionError(f"machine {self.id}: the desired state never comes to rest")

    def finish_ops(self, output):
        """Answer every log request and command with this text."""
        for op in self.desired["ops"]:
            status, reply = self.send("POST", "/agent/v1/op", "op", {
                "op_id": op["op_id"], "status": "done", "output": output})
            if status != 200:
                raise AssertionError(f"op: {status} {reply}")
        return len(self.desired["ops"])
