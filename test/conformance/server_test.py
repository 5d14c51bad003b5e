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
from paper_agent import Agent, comes_back, lives, revoked  # noqa: E402
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
        keys(market, newer)
        print("ok 4 - another key comes in by the newest, and the one before is good for a day", flush=True)
        revoked(newer, lambda: market.call(
            "POST", f"/api/v0/machines/{newer.machine}/force_delete/", {}, host["api_key"]))
        print("ok 5 - a machine that is removed has no session any more, that very moment", flush=True)
        operator = market.admin("user", "create", "--email", "op@localhost", "--admin")
        leaked = join({})
        lives(leaked)
        revoked(leaked, lambda: market.call(
            "POST", "/api/v0/operator/revoke_key/", {"machine_id": leaked.machine}, operator["api_key"]))
        comes_back(leaked, lambda *words: market.call(*words, key=host["api_key"]))
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
