#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""berthd and agents of other versions, as docs/agent-protocol.md has it: one that says nothing that was added later, and
one that says what nobody knows yet; and each rule of the protocol broken once.

    server_test.py --bin build/bin
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
from kill_test import Market  # noqa: E402
from paper_agent import ADDED, FACTS, REPORT, Agent, comes_back, lives, revoked  # noqa: E402
from wire import Key, text_of, whole_text  # noqa: E402

NEWER = {"x_of_a_newer_agent": {"any": ["thing"]}, "x_number": 7}


def rules(market, agent):
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
    before = market.query("SELECT heartbeat_seq, last_heartbeat_us FROM agent_session WHERE machine_id = ?", agent.machine)
    status, reply = agent.beat(seq=1)
    assert status == 200 and "desired_rev" in reply, "a repeated one is answered"
    after = market.query("SELECT heartbeat_seq, last_heartbeat_us FROM agent_session WHERE machine_id = ?", agent.machine)
    assert before == after, "and changes nothing"
    assert agent.beat()[0] == 200


def members(agent):
    """What the page says must be there must, in its range; what it says may be missing may."""
    agent.connect()
    for name in FACTS:
        body = agent.hello()
        body["facts"] = {key: value for key, value in body["facts"].items() if key != name}
        assert agent.post("/agent/v1/session", body)[0] == 400, f"facts without {name}"
    for wrong in ({"cpu_cores": 0}, {"ram_mb": 0}, {"disk_gb": 0}, {"port_first": 0}, {"port_last": 65536}, {"hostname": "x" * 128},
                  {"gpus": [{"uuid": "GPU-1"}]}):
        assert agent.post("/agent/v1/session", agent.hello() | {"facts": agent.facts | wrong})[0] == 400, wrong
    plain = {key: value for key, value in agent.facts.items() if key not in ADDED}
    assert agent.post("/agent/v1/session", agent.hello() | {"facts": plain})[0] == 200, "later ones may be missing"
    agent.connect()
    for name in agent.heartbeat():
        assert agent.beat(without=name)[0] == 400, f"a heartbeat without {name}"
    assert agent.beat(instances=[REPORT])[0] == 200, "an instance that the server does not know"
    for name in REPORT:
        report = {key: value for key, value in REPORT.items() if key != name}
        assert agent.beat(instances=[report])[0] == 400, f"an instance without {name}"
    assert agent.beat(instances=[REPORT, REPORT])[0] == 400, "an instance is there once"
    assert agent.beat(instances=[REPORT | {"phase": "asleep"}])[0] == 400, "a phase that there is not"
    assert agent.beat(stock={"pull_rate": -1, "start_ms": -1, "images": [{"name": "a:1", "pull_bytes": -1}]})[0] == 200
    assert agent.beat()[0] == 200, "what was refused does not end a session"


def answers(agent):
    """As the page's table has them: refusals, numbers that were used, and what is too long."""
    result = {"op_id": "0" * 32, "status": "done", "output": "", "exit_code": 0}
    assert agent.say("/agent/v1/op", result) == (200, {}), "of an operation that it does not know: taken"
    for wrong in ({"op_id": "0" * 31}, {"op_id": "X" * 32}, {"status": "fine"}, {"output": "x" * (512 * 1024 + 1)}, {"exit_code": 256}):
        assert agent.say("/agent/v1/op", result | wrong)[0] == 400, wrong.keys()
    assert agent.say("/agent/v1/op", result | {"output": "x" * 512 * 1024})[0] == 200
    assert agent.say("/agent/v1/op", result, seq=1)[0] == 409, "a number that was used"
    assert agent.poll(0)[0] in (200, 204)
    status, reply = agent.post("/agent/v1/heartbeat", {})
    assert status == 401 and reply["success"] is False and reply["error"] and reply["msg"], (status, reply)
    assert agent.post("/agent/v1/nonce", b" " * (1 << 20) + b"{}")[0] == 413, "above 1 MiB"
    assert agent.post("/agent/v1/nonce", b'{"machine_id":1}' + b" " * ((1 << 20) - 16))[0] == 200, "1 MiB"
    assert agent.beat()[0] == 200


def keys(market, agent):
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
    market.execute("UPDATE machine SET former_until_us = 1 WHERE id = ?", agent.machine)
    assert agent.post("/agent/v1/session", agent.hello())[0] == 401, "its day is over"
    agent.key = new
    agent.connect()
    assert agent.beat()[0] == 200
    third = Key()
    assert agent.turn(third) == 200, "the day is over: another comes in"
    agent.key = third
    agent.connect()
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
        rules(market, newer)
        print("ok 3 - nonces, epochs, numbers and signatures count once, for what was signed", flush=True)
        members(newer)
        print("ok 4 - what must be said must, and what may be left out may", flush=True)
        answers(newer)
        print("ok 5 - refusals say why, results are taken once, and what is too long is not read", flush=True)
        keys(market, newer)
        print("ok 6 - another key comes in by the newest, and the one before is good for a day", flush=True)
        revoked(newer, lambda: market.call(
            "POST", f"/api/v0/machines/{newer.machine}/force_delete/", {}, host["api_key"]))
        print("ok 7 - a machine that is removed has no session any more, that very moment", flush=True)
        operator = market.admin("user", "create", "--email", "op@localhost", "--admin")
        leaked = join({})
        lives(leaked)
        revoked(leaked, lambda: market.call(
            "POST", "/api/v0/operator/revoke_key/", {"machine_id": leaked.machine}, operator["api_key"]))
        comes_back(leaked, lambda *words: market.call(*words, key=host["api_key"]))
        print("ok 8 - nor has one whose key is revoked, until it comes back by another, as what it was", flush=True)
    except AssertionError as failure:
        print(f"FAILED: {failure}")
        return 1
    finally:
        market.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("8 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
