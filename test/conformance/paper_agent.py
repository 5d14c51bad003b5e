# SPDX-License-Identifier: Apache-2.0
"""An agent on paper, by docs/agent-protocol.md alone, and what any server must do with it."""

import http.client
import json
import pathlib
import secrets
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent))
from wire import Key, key_text, request_text, session_text, text_of  # noqa: E402

FACTS = {"hostname": "box", "os_version": "Debian 12", "cpu_name": "any", "cpu_arch": "amd64", "cpu_cores": 8, "cpu_mhz": 0,
         "has_avx": True, "ram_mb": 16000, "disk_name": "", "disk_gb": 100, "disk_mbs": 0, "inet_up_kbps": 0,
         "inet_down_kbps": 0, "public_ip": "203.0.113.9", "port_first": 20000, "port_last": 20099, "driver_version": "",
         "cuda_version": 0, "is_simulated": True, "agent_version": "0", "engine_version": "", "gpus": []}
REPORT = {"id": 987654, "gen": 1, "phase": "running", "start_token": "a", "run_ms": 1, "counter_epoch": 1, "bytes_up": 0, "bytes_down": 0,
          "exit_code": -1, "restart_nonce": 0, "disk_used_mb": -1, "cpu_permille": -1, "ram_used_mb": -1, "gpu_permille": -1,
          "message": "", "ssh_port": 0, "ports": []}
ADDED = ("is_behind_nat", "encrypts_workspaces", "challenge_level")  # later than the first protocol


class Agent:
    """Calls the server whose `port` it is given, which may be another from one call to the next."""

    def __init__(self, server, token, extra):
        self.server, self.token, self.extra = server, token, extra
        self.key, self.boot, self.epoch, self.seq = Key(), secrets.token_hex(8), 0, {"hb": 0, "poll": 0, "op": 0}
        self.facts = FACTS | ({name: 0 for name in ADDED} if extra else {}) | extra
        self.machine, self.retry_after = 0, None

    def post(self, path, body, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, text, {"Content-Type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        data = reply.read()
        self.retry_after = reply.getheader("Retry-After")
        connection.close()
        return reply.status, json.loads(data) if data else None

    def enroll(self):
        status, reply = self.post("/agent/v1/enroll", {"token": self.token, "public_key": text_of(self.key.public),
                                                       "facts": self.facts, **self.extra})
        assert status == 200, (status, reply)
        self.machine = reply["machine_id"]

    def hello(self):
        status, reply = self.post("/agent/v1/nonce", {"machine_id": self.machine, **self.extra})
        assert status == 200, (status, reply)
        body = {"machine_id": self.machine, "nonce": reply["nonce"], "boot_id": self.boot, "agent_incarnation": 1,
                "fingerprint": text_of(bytes(32)), "facts": self.facts, **self.extra}
        return body | {"signature": text_of(self.key.sign(session_text(body)))}

    def connect(self):
        status, reply = self.post("/agent/v1/session", self.hello())
        assert status == 200, (status, reply)
        self.epoch, self.seq = reply["session_epoch"], {"hb": 0, "poll": 0, "op": 0}

    def signed(self, path, stream, text, *, seq, epoch=None, spoil=False):
        epoch = epoch or self.epoch
        signed = request_text("POST", path, self.machine, epoch, stream, seq, text)
        return self.post(path, text + b" " if spoil else text, {
            "Berth-Machine": str(self.machine), "Berth-Epoch": str(epoch), "Berth-Seq": str(seq),
            "Berth-Signature": text_of(self.key.sign(signed))})

    def heartbeat(self):
        seq = self.seq["hb"]
        return {"session_epoch": self.epoch, "seq": seq, "boot_id": self.boot, "agent_incarnation": 1, "mono_ms": 1000 * seq,
                "applied_rev": 0, "is_engine_ok": True, "engine_message": "", "quarantined_count": 0, "disk_free_gb": 90,
                "instances": []}

    def beat(self, seq=None, epoch=None, body_seq=None, spoil=False, without=None, **members):
        self.seq["hb"] += 1
        seq = seq or self.seq["hb"]
        body = self.heartbeat() | {"session_epoch": epoch or self.epoch, "seq": body_seq or seq} | members | self.extra
        body.pop(without, None)
        return self.signed("/agent/v1/heartbeat", "hb", json.dumps(body).encode(), seq=seq, epoch=epoch, spoil=spoil)

    def say(self, path, body, seq=None):
        """On the stream of all that is neither a heartbeat nor a poll."""
        self.seq["op"] += 1
        return self.signed(path, "op", json.dumps(body | self.extra).encode(), seq=seq or self.seq["op"])

    def poll(self, after):
        """Held until there is something newer; what came, and after how many seconds."""
        self.seq["poll"] += 1
        path, seq, began = f"/agent/v1/desired?after={after}", self.seq["poll"], time.monotonic()
        signed = request_text("GET", path, self.machine, self.epoch, "poll", seq, b"")
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.request("GET", path, headers={
            "Berth-Machine": str(self.machine), "Berth-Epoch": str(self.epoch), "Berth-Seq": str(seq),
            "Berth-Signature": text_of(self.key.sign(signed))})
        status = connection.getresponse().status
        connection.close()
        return status, time.monotonic() - began

    def turn(self, key, by=None, proof=None):
        """To that key; signed by the present one, unless by another."""
        public = text_of(key.public)
        lines = key_text(self.machine, self.epoch, public)
        return self.say("/agent/v1/key", {"public_key": public, "proof": text_of((proof or key).sign(lines)),
                                          "signature": text_of((by or self.key).sign(lines))})[0]


def lives(agent):
    agent.enroll()
    agent.connect()
    for _ in range(3):
        status, reply = agent.beat()
        assert status == 200 and reply["desired_rev"] >= 0, (status, reply)


def revoked(agent, take_away):
    """Who is held is told at once, and from then on nothing is opened or heard by its key."""
    _, reply = agent.beat()
    answers = []
    held = threading.Thread(target=lambda: answers.append(agent.poll(reply["desired_rev"])))
    held.start()
    time.sleep(1)
    assert not answers, f"a poll is held: {answers}"
    status, reply = take_away()
    assert status == 200, (status, reply)
    held.join(20)
    assert answers and answers[0][0] == 409 and answers[0][1] < 10, f"the session is over at once: {answers}"
    assert agent.beat()[0] in (401, 409)
    assert agent.post("/agent/v1/session", agent.hello())[0] == 401


def comes_back(agent, ask):
    """By a token for it, once, and by no other. `ask` asks the API as its owner."""
    path, machine, leaked = "/api/v0/machines/enroll_token/", agent.machine, agent.key
    plain = ask("POST", path, {})[1]["token"]
    agent.token = ask("POST", path, {"machine_id": machine})[1]["token"]
    again = {"token": agent.token, "machine_id": machine, "facts": agent.facts}
    assert agent.post("/agent/v1/enroll", again | {"public_key": text_of(leaked.public)})[0] == 409, "by another key"
    agent.key = Key()
    again["public_key"] = text_of(agent.key.public)
    assert agent.post("/agent/v1/enroll", again | {"token": plain})[0] == 409, "by a token for it"
    status, reply = agent.post("/agent/v1/enroll", again)
    assert status == 200 and reply["machine_id"] == machine, (status, reply)
    assert agent.post("/agent/v1/enroll", again | {"public_key": text_of(Key().public)})[0] == 400, "once"
    agent.connect()
    assert agent.beat()[0] == 200
    assert ask("POST", path, {"machine_id": machine})[0] == 409, "it has a key that is good"
    agent.key, new = leaked, agent.key
    assert agent.post("/agent/v1/session", agent.hello())[0] == 401, "the one that was revoked opens nothing"
    agent.key = new
    assert agent.beat()[0] == 200
