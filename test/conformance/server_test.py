#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""berthd and agents of other versions, as docs/agent-protocol.md has it: one that says nothing that was added later, and
one that says what nobody knows yet; and each rule of the protocol broken once.

    server_test.py --bin build/bin
"""

import argparse
import http.client
import json
import pathlib
import secrets
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
from kill_test import Market  # noqa: E402
from wire import Key, key_text, request_text, session_text, text_of, whole_text  # noqa: E402

FACTS = {"hostname": "box", "os_version": "Debian 12", "cpu_name": "any", "cpu_arch": "amd64", "cpu_cores": 8, "cpu_mhz": 0,
         "has_avx": True, "ram_mb": 16000, "disk_name": "", "disk_gb": 100, "disk_mbs": 0, "inet_up_kbps": 0,
         "inet_down_kbps": 0, "public_ip": "203.0.113.9", "port_first": 20000, "port_last": 20099, "driver_version": "",
         "cuda_version": 0, "is_simulated": True, "agent_version": "0", "engine_version": "", "gpus": []}
ADDED = ("is_behind_nat", "encrypts_workspaces", "challenge_level")  # later than the first protocol
NEWER = {"x_of_a_newer_agent": {"any": ["thing"]}, "x_number": 7}


class Agent:
    def __init__(self, market, token, extra):
        self.market, self.token, self.extra = market, token, extra
        self.key, self.boot, self.epoch, self.seq = Key(), secrets.token_hex(8), 0, {"hb": 0, "poll": 0, "op": 0}
        self.facts = FACTS | ({name: 0 for name in ADDED} if extra else {}) | extra
        self.machine, self.retry_after = 0, None

    def post(self, path, body, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.market.port, timeout=30)
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

    def beat(self, seq=None, epoch=None, body_seq=None, spoil=False):
        self.seq["hb"] += 1
        seq, epoch = seq or self.seq["hb"], epoch or self.epoch
        text = json.dumps({"session_epoch": epoch, "seq": body_seq or seq, "boot_id": self.boot, "agent_incarnation": 1,
                           "mono_ms": 1000 * seq, "applied_rev": 0, "is_engine_ok": True, "engine_message": "",
                           "quarantined_count": 0, "disk_free_gb": 90, "instances": [], **self.extra}).encode()
        signed = request_text("POST", "/agent/v1/heartbeat", self.machine, epoch, "hb", seq, text)
        return self.post("/agent/v1/heartbeat", text + b" " if spoil else text, {
            "Berth-Machine": str(self.machine), "Berth-Epoch": str(epoch), "Berth-Seq": str(seq),
            "Berth-Signature": text_of(self.key.sign(signed))})

    def poll(self, after):
        """Held until there is something newer; what came, and after how many seconds."""
        self.seq["poll"] += 1
        path, seq, began = f"/agent/v1/desired?after={after}", self.seq["poll"], time.monotonic()
        signed = request_text("GET", path, self.machine, self.epoch, "poll", seq, b"")
        connection = http.client.HTTPConnection("127.0.0.1", self.market.port, timeout=60)
        connection.request("GET", path, headers={
            "Berth-Machine": str(self.machine), "Berth-Epoch": str(self.epoch), "Berth-Seq": str(seq),
            "Berth-Signature": text_of(self.key.sign(signed))})
        status = connection.getresponse().status
        connection.close()
        return status, time.monotonic() - began

    def turn(self, key, by=None, proof=None):
        """To that key; signed by the present one, unless by another."""
        self.seq["op"] += 1
        public = text_of(key.public)
        lines = key_text(self.machine, self.epoch, public)
        text = json.dumps({"public_key": public, "proof": text_of((proof or key).sign(lines)),
                           "signature": text_of((by or self.key).sign(lines)), **self.extra}).encode()
        signed = request_text("POST", "/agent/v1/key", self.machine, self.epoch, "op", self.seq["op"], text)
        return self.post("/agent/v1/key", text, {
            "Berth-Machine": str(self.machine), "Berth-Epoch": str(self.epoch), "Berth-Seq": str(self.seq["op"]),
            "Berth-Signature": text_of(self.key.sign(signed))})[0]


def lives(agent):
    agent.enroll()
    agent.connect()
    for _ in range(3):
        status, reply = agent.beat()
        assert status == 200 and reply["desired_rev"] >= 0, (status, reply)


def rules(agent):
    """Each broken once; what is right goes on working."""
    used = agent.hello()
    assert agent.post("/agent/v1/session", used)[0] == 200
    assert agent.post("/agent/v1/session", used)[0] == 401, "a nonce is good once"
    assert agent.post("/agent/v1/session", agent.hello() | {"boot_id": "another"})[0] == 401, "what was signed is said"
    for spoiled, status in ((False, 200), (True, 401)):
        body = json.dumps(agent.hello()).encode()
        signature = text_of(agent.key.sign(whole_text(agent.machine, body)))
        said = body.replace(b'"box"', b'"fox"') if spoiled else body
        assert not spoiled or said != body
        assert agent.post("/agent/v1/session", said, {"Berth-Signature": signature})[0] == status, "all of the body is signed"
    assert agent.post("/agent/v1/session", agent.hello(), {"Berth-Signature": "x"})[0] == 401, "a signature is one"
    assert agent.beat(epoch=agent.epoch)[0] == 409, "an old epoch"
    agent.connect()
    assert agent.beat()[0] == 200
    assert agent.beat(spoil=True)[0] == 401, "a byte more than was signed"
    assert agent.beat(body_seq=99)[0] == 400, "the body's number is not the headers'"
    before = agent.market.query("SELECT heartbeat_seq, last_heartbeat_us FROM agent_session WHERE machine_id = ?", agent.machine)
    status, reply = agent.beat(seq=1)
    assert status == 200 and "desired_rev" in reply, "a repeated one is answered"
    after = agent.market.query("SELECT heartbeat_seq, last_heartbeat_us FROM agent_session WHERE machine_id = ?", agent.machine)
    assert before == after, "and changes nothing"
    assert agent.beat()[0] == 200


def keys(agent):
    """Another key, and what each of the two is good for."""
    old, new = agent.key, Key()
    assert agent.turn(new, by=Key()) == 400, "signed by the present key"
    assert agent.turn(new, proof=old) == 400, "and by the new one"
    assert agent.beat()[0] == 200, "nothing has changed"
    assert agent.turn(new) == 200
    assert agent.beat()[0] == 409, "the session is over"
    agent.key = new
    agent.connect()
    assert agent.beat()[0] == 200
    assert agent.turn(Key()) == 429, "a day lies between two turns"
    assert 86000 < int(agent.retry_after) <= 86401, f"and it is said when it is over: {agent.retry_after}"
    assert agent.beat()[0] == 200, "nothing has changed"
    agent.key = old
    assert agent.beat()[0] == 200, "the one before is good for a day"
    agent.connect()
    assert agent.turn(Key()) == 400, "but brings in none"
    assert agent.turn(new) == 200, "what was turned is said again"
    assert agent.beat()[0] == 200
    agent.market.execute("UPDATE machine SET former_until_us = 1 WHERE id = ?", agent.machine)
    assert agent.post("/agent/v1/session", agent.hello())[0] == 401, "its day is over"
    agent.key = new
    agent.connect()
    assert agent.beat()[0] == 200
    third = Key()
    assert agent.turn(third) == 200, "the day is over: another comes in"
    agent.key = third
    agent.connect()
    assert agent.beat()[0] == 200


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
    held.join(5)
    assert answers and answers[0][0] == 409 and answers[0][1] < 3, f"the session is over at once: {answers}"
    assert agent.beat()[0] in (401, 409)
    assert agent.post("/agent/v1/session", agent.hello())[0] == 401


def comes_back(agent, api_key):
    """By a token for it, once, and by no other."""
    path, machine, leaked = "/api/v0/machines/enroll_token/", agent.machine, agent.key
    plain = agent.market.call("POST", path, {}, api_key)[1]["token"]
    agent.token = agent.market.call("POST", path, {"machine_id": machine}, api_key)[1]["token"]
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
    assert agent.market.call("POST", path, {"machine_id": machine}, api_key)[0] == 409, "it has a key that is good"
    agent.key, new = leaked, agent.key
    assert agent.post("/agent/v1/session", agent.hello())[0] == 401, "the one that was revoked opens nothing"
    agent.key = new
    assert agent.beat()[0] == 200


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-conformance-"))
    market = Market(options.bin.resolve(), folder)
    try:
        market.start()
        host = market.admin("user", "create", "--email", "host@localhost")

        def join(extra):
            token = market.call("POST", "/api/v0/machines/enroll_token/", {}, host["api_key"])[1]["token"]
            return Agent(market, token, extra)

        lives(join({}))
        print("ok 1 - an older agent, which says nothing that was added later, lives with this server", flush=True)
        newer = join(NEWER)
        lives(newer)
        print("ok 2 - a newer one, which says what nobody knows yet, does, too", flush=True)
        rules(newer)
        print("ok 3 - nonces, epochs, numbers and signatures count once, for what was signed", flush=True)
        keys(newer)
        print("ok 4 - another key comes in by the newest, and the one before is good for a day", flush=True)
        revoked(newer, lambda: market.call(
            "POST", f"/api/v0/machines/{newer.machine}/force_delete/", {}, host["api_key"]))
        print("ok 5 - a machine that is removed has no session any more, that very moment", flush=True)
        operator = market.admin("user", "create", "--email", "op@localhost", "--admin")
        leaked = join({})
        lives(leaked)
        revoked(leaked, lambda: market.call(
            "POST", "/api/v0/operator/revoke_key/", {"machine_id": leaked.machine}, operator["api_key"]))
        comes_back(leaked, host["api_key"])
        print("ok 6 - nor has one whose key is revoked, until it comes back by another, as what it was", flush=True)
    except AssertionError as failure:
        print(f"FAILED: {failure}")
        return 1
    finally:
        market.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("6 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
