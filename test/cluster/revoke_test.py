#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine has its session, and a poll that is held, at one server; its key is revoked at the other.

    revoke_test.py --bin build/bin
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.append(str(pathlib.Path(__file__).parent.parent / "conformance"))
from cluster import Cluster, enter  # noqa: E402
from paper_agent import Agent, comes_back, lives, revoked  # noqa: E402
from patience import check  # noqa: E402


def run(options, folder):
    cluster = Cluster(options.bin, folder, 2)
    try:
        cluster.start()
        here, there = cluster.servers
        host = cluster.admin("user", "create", "--email", "host@localhost")["api_key"]
        operator = cluster.admin("user", "create", "--email", "op@localhost", "--admin")["api_key"]
        token = cluster.call("POST", "/api/v0/machines/enroll_token/", {}, host, port=here.port)[1]["token"]
        agent = Agent(here, token, {})
        lives(agent)
        agent.server = there
        check(agent.beat()[0] == 200, "a session is good at any server")
        agent.server = here
        revoked(agent, lambda: cluster.call("POST", "/api/v0/operator/revoke_key/", {"machine_id": agent.machine}, operator,
                                            port=there.port))
        agent.server = there
        check(agent.beat()[0] in (401, 409), "no server hears it any more")
        check(agent.post("/agent/v1/session", agent.hello())[0] == 401, "nor opens anything for it")
        print("ok 1 - what one server revokes is over at the other, that very moment", flush=True)

        comes_back(agent, lambda *words: cluster.call(*words, key=host, port=here.port))
        agent.server = here
        check(agent.beat()[0] == 200, "and it is heard where it has not come back")
        print("ok 2 - it comes back through either\n2 passed, 0 failed", flush=True)
    finally:
        cluster.stop()


if __name__ == "__main__":
    enter(run, "revoke")
