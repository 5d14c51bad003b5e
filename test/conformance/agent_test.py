#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does an agent speak the protocol of docs/agent-protocol.md? Any agent, whoever wrote it:

    agent_test.py --agent 'my-agent --server {url} --token {token}'

It is started against a server that is this program, which checks all that it says, answers as a newer server would
(with members that nobody knows yet), ends its session, goes away for a while, and tells it what should run. With an
instance to run (--instance, for agents that can pretend one) it also looks at what is reported of that.
"""

import argparse
import http.server
import json
import secrets
import shlex
import subprocess
import sys
import threading
import time

from wire import Key, bytes_of, destroy_text, is_signed, key_text, request_text, session_text, text_of, whole_text

HEARTBEAT_MS, LEASE_MS, MACHINE = 5000, 30000, 77
KEY_WAIT_S = 6
STREAMS = {"/agent/v1/heartbeat": "hb", "/agent/v1/desired": "poll"}
FUTURE = {"x_of_a_newer_server": {"any": ["thing"]}}
PHASES = {"absent", "creating", "running", "stopped", "exited", "failed"}
REPORT = {"id": int, "gen": int, "phase": str, "start_token": str, "run_ms": int, "counter_epoch": int, "bytes_up": int,
          "bytes_down": int, "exit_code": int, "restart_nonce": int, "disk_used_mb": int, "cpu_permille": int, "ram_used_mb": int,
          "gpu_permille": int, "ssh_port": int, "message": str, "ports": list}
BEAT = {"session_epoch": int, "seq": int, "boot_id": str, "agent_incarnation": int, "mono_ms": int, "applied_rev": int,
        "is_engine_ok": bool, "engine_message": str, "quarantined_count": int, "disk_free_gb": int, "instances": list}
FACTS = {"hostname": str, "os_version": str, "cpu_name": str, "cpu_arch": str, "cpu_cores": int, "cpu_mhz": int, "has_avx": bool,
         "ram_mb": int, "disk_name": str, "disk_gb": int, "disk_mbs": int, "inet_up_kbps": int, "inet_down_kbps": int,
         "public_ip": str, "port_first": int, "port_last": int, "driver_version": str, "cuda_version": int,
         "is_simulated": bool, "agent_version": str, "engine_version": str, "gpus": list}
GPU = {"uuid": str, "name": str, "memory_mb": int, "compute_cap": int, "power_max_w": int, "pcie_gen": int, "pcie_lanes": int,
       "pci_bus": str}
RESULT = {"op_id": str, "status": str, "output": str}
STATUSES = {"done", "failed", "unknown"}
SPEC = {"image": "conformance:1", "args": [], "ssh_keys": [], "env": [], "ports": [], "disk_gb": 1, "cpu_millis": 0,
        "ram_mb": 0, "shm_mb": 0}


class Market:
    """What the server knows, and what the agent did wrong."""

    def __init__(self):
        self.lock = threading.Lock()
        self.key, self.token = Key(), secrets.token_hex(16)
        self.faults, self.public, self.nonce = [], None, None
        self.epoch, self.beats, self.polls, self.sessions = 40, [], [], []
        self.last_seq, self.checked = {}, {}
        self.desired = {"desired_rev": 1, "instances": []}
        self.is_away = False
        self.results, self.result_refusals = [], 0
        self.beat_refusals = 0  # how many heartbeats more are answered 503
        self.former, self.turned = None, 0
        self.open_from, self.early = 0.0, 0  # no key is turned before; and how often one was asked for

    def need(self, is_so, what):
        if not is_so:
            self.faults.append(what)

    def need_members(self, body, members, where):
        for name, kind in members.items():
            value = body.get(name)
            self.need(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), f"{where}: {name} is {value!r}")

    def need_facts(self, body, where):
        facts = body.get("facts")
        self.need(isinstance(facts, dict), f"{where}: facts")
        if isinstance(facts, dict):
            self.need_members(facts, FACTS, f"{where}: facts")
            for gpu in facts.get("gpus", []):
                self.need_members(gpu, GPU, f"{where}: a GPU of its facts")

    def enroll(self, body):
        self.need(body.get("token") == self.token, "enroll: the token is not the one it was given")
        self.public = bytes_of(body.get("public_key", ""))
        self.need(len(self.public) == 32, "enroll: public_key has 32 bytes")
        self.need_facts(body, "enroll")
        return 200, {"machine_id": MACHINE, "server_key": text_of(self.key.public), **FUTURE}

    def give_nonce(self, body):
        self.need(body.get("machine_id") == MACHINE, "nonce: machine_id is the one of the enrolment")
        self.nonce = text_of(secrets.token_bytes(32))
        return 200, {"nonce": self.nonce, **FUTURE}

    def open_session(self, body, headers, text):
        self.need(body.get("nonce") == self.nonce, "session: the nonce is the last one, used once")
        self.nonce = None
        self.need(len(bytes_of(body.get("fingerprint", ""))) == 32, "session: fingerprint has 32 bytes")
        self.need(is_signed(self.public, session_text(body), bytes_of(body.get("signature", ""))),
                  "session: the signature is over the six lines of the protocol")
        if "Berth-Signature" in headers:
            self.need(is_signed(self.public, whole_text(body["machine_id"], text), bytes_of(headers["Berth-Signature"])),
                      "session: the signature in the header is over all of the body")
        else:
            self.need(not body["facts"].get("agent_digest"), "session: who says what program it is signs all of it")
        self.need_facts(body, "session")
        self.epoch += 1
        self.last_seq = {}
        self.sessions.append((time.monotonic(), body))
        return 200, {"session_epoch": self.epoch, "heartbeat_ms": HEARTBEAT_MS, "lease_ms": LEASE_MS, **FUTURE}

    def turn_key(self, body):
        lines = key_text(MACHINE, self.epoch, body.get("public_key", ""))
        public = bytes_of(body.get("public_key", ""))
        self.need(len(public) == 32, "key: public_key has 32 bytes")
        self.need(is_signed(public, lines, bytes_of(body.get("proof", ""))), "key: the proof is the new key's, over the four lines")
        self.need(is_signed(self.public, lines, bytes_of(body.get("signature", ""))), "key: the signature is the present key's")
        if time.monotonic() < self.open_from:
            self.early += 1
            return 429, {"success": False, "error": "rate_limit_exceeded", "msg": "The key before is still good.", **FUTURE}
        self.former, self.public, self.turned = self.public, public, self.turned + 1
        self.epoch += 1
        return 200, {**FUTURE}

    def check_stamp(self, method, path, headers, body):
        """False: of an old session."""
        stream = STREAMS.get(path.split("?")[0], "op")
        try:
            machine, epoch, seq = (int(headers[f"Berth-{name}"]) for name in ("Machine", "Epoch", "Seq"))
        except (TypeError, ValueError):
            self.need(False, f"{path}: Berth-Machine, Berth-Epoch and Berth-Seq are numbers")
            return False
        self.need(machine == MACHINE, f"{path}: Berth-Machine")
        # Each costs a process: the first of every stream and session, and now and then one.
        count = self.checked[stream, epoch] = self.checked.get((stream, epoch), 0) + 1
        if count <= 2 or count % 8 == 0:
            signature = bytes_of(headers.get("Berth-Signature", ""))
            self.need(is_signed(self.public, request_text(method, path, machine, epoch, stream, seq, body), signature),
                      f"{path}: the signature is over the lines of the protocol, and the body's bytes")
        if epoch != self.epoch:
            return False
        self.need(seq > self.last_seq.get(stream, 0), f"{path}: Berth-Seq grows ({self.last_seq.get(stream)}, then {seq})")
        self.last_seq[stream] = seq
        return True

    def beat(self, body, headers):
        self.need_members(body, BEAT, "heartbeat")
        self.need(body.get("session_epoch") == int(headers["Berth-Epoch"]) and body.get("seq") == int(headers["Berth-Seq"]),
                  "heartbeat: session_epoch and seq are those of the headers")
        hello = self.sessions[-1][1]
        self.need(body.get("boot_id") == hello.get("boot_id") and body.get("agent_incarnation") == hello.get("agent_incarnation"),
                  "heartbeat: boot_id and agent_incarnation are those of the session")
        ids = [report.get("id") for report in body.get("instances", [])]
        self.need(len(ids) == len(set(ids)), "heartbeat: an instance is there once")
        if self.beat_refusals > 0:
            self.beat_refusals -= 1
            return 503, {"success": False, "error": "unavailable", "msg": "Not now.", **FUTURE}
        for report in body.get("instances", []):
            self.need_members(report, REPORT, "instances")
            self.need(report.get("phase") in PHASES, f"instances: phase {report.get('phase')!r}")
        self.beats.append((time.monotonic(), body))
        return 200, {"desired_rev": self.desired["desired_rev"], **FUTURE}

    def take_result(self, body):
        self.need_members(body, RESULT, "op")
        self.need(body.get("status") in STATUSES, f"op: status {body.get('status')!r}")
        self.results.append(body)
        if self.result_refusals > 0:
            self.result_refusals -= 1
            return 503, {"success": False, "error": "unavailable", "msg": "Not now.", **FUTURE}
        return 200, {**FUTURE}

    def poll(self, path):
        query = path.partition("?after=")[2]
        after = int(query) if query else -1
        self.polls.append((time.monotonic(), after))
        if after >= self.desired["desired_rev"]:
            return 204, None
        return 200, {"session_epoch": self.epoch, "server_time_us": int(time.time() * 1e6), "ops": [], "gone": [],
                     **self.desired, **FUTURE}

    def answer(self, method, path, headers, text):
        with self.lock:
            body = json.loads(text) if text else {}
            if path == "/agent/v1/session":
                return self.open_session(body, headers, text)
            if path in ("/agent/v1/enroll", "/agent/v1/nonce"):
                return {"enroll": self.enroll, "nonce": self.give_nonce}[path[10:]](body)
            if not self.check_stamp(method, path, headers, text):
                return 409, {"success": False, "error": "conflict", "msg": "The session is over: open a new one."}
            if path == "/agent/v1/key":
                return self.turn_key(body)
            if path == "/agent/v1/op":
                return self.take_result(body)
            if path == "/agent/v1/heartbeat":
                return self.beat(body, headers)
            return self.poll(path) if path.startswith("/agent/v1/desired") else (200, {})


def handler_of(market):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self):
            text = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if market.is_away:
                self.close_connection = True
                return
            status, reply = market.answer(self.command, self.path, self.headers, text)
            if status == 204:
                for _ in range(20):  # held, as a server does
                    time.sleep(0.1)
                    with market.lock:
                        if market.is_away or market.desired["desired_rev"] > market.polls[-1][1]:
                            break
            data = b"" if reply is None else json.dumps(reply).encode()
            self.send_response(status)
            if data:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("Retry-After", str(KEY_WAIT_S))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = serve

        def log_message(self, *words):
            pass

    return Handler


class Test:
    def __init__(self, market, patience):
        self.market, self.patience, self.passed = market, patience, 0

    def wait(self, what, probe):
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            with self.market.lock:
                value = probe()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {self.patience} s")

    def say(self, what):
        with self.market.lock:
            assert not self.market.faults, self.market.faults[:5]
        self.passed += 1
        print(f"ok {self.passed} - {what}", flush=True)

    def test_joins(self):
        self.wait("a session", lambda: self.market.sessions)
        self.say("it joins with its token and opens a session, signed over the nonce that it was given")

    def test_beats(self):
        self.wait("three heartbeats", lambda: len(self.market.beats) >= 3)
        with self.market.lock:
            times = [at for at, _ in self.market.beats]
            bodies = [body for _, body in self.market.beats]
        longest = max(after - before for before, after in zip(times, times[1:]))
        assert longest < LEASE_MS / 2000, f"{longest:.1f} s between two heartbeats: its lease is at risk"
        assert len({body["boot_id"] for body in bodies}) == 1, "boot_id stays"
        assert all(a["mono_ms"] <= b["mono_ms"] for a, b in zip(bodies, bodies[1:])), "mono_ms grows"
        self.say("it beats within its lease, signed, with numbers that grow, and minds no member that it does not know")

    def test_desired(self, with_instance):
        instances = [{"id": 5, "gen": 3, "state": "running", "restart_nonce": 0, "stop_after_ms": -1,
                      "lifetime_after_ms": -1, "gpus": [], "spec": SPEC, **FUTURE}] if with_instance else []
        with self.market.lock:
            self.market.desired = {"desired_rev": 9, "instances": instances}
        self.wait("applied_rev is 9", lambda: self.market.beats[-1][1]["applied_rev"] == 9)
        self.wait("it polls for what comes after 9", lambda: self.market.polls[-1][1] == 9)
        self.say("it takes the desired state, says so, and polls for the next")
        if not with_instance:
            return
        def runs():
            reports = {report["id"]: report for report in self.market.beats[-1][1]["instances"]}
            return reports.get(5) if reports.get(5, {}).get("phase") == "running" else None
        first = self.wait("instance 5 runs", runs)
        assert first["gen"] == 3 and first["start_token"] and first["run_ms"] >= 0, first
        later = self.wait("run_ms grows", lambda: (runs() or first)["run_ms"] > first["run_ms"] and runs())
        assert later["start_token"] == first["start_token"] and later["bytes_up"] >= first["bytes_up"], later
        self.say("an instance is reported with its generation, one start token, and totals that grow")

    def test_fenced(self):
        with self.market.lock:
            self.market.epoch += 1  # somebody else opened one: all that it says is of an old one
            sessions, beats = len(self.market.sessions), len(self.market.beats)
        self.wait("a new session", lambda: len(self.market.sessions) > sessions)
        self.wait("heartbeats in it", lambda: len(self.market.beats) >= beats + 2)
        self.say("told that its session is over it opens a new one, with a new nonce, and goes on")

    def test_server_away(self, process):
        with self.market.lock:
            self.market.is_away = True
        time.sleep(3)
        assert process.poll() is None, "it ends where its server is away"
        with self.market.lock:
            self.market.is_away, beats = False, len(self.market.beats)
        self.wait("heartbeats again", lambda: len(self.market.beats) >= beats + 2)
        with self.market.lock:
            assert self.market.beats[-1][1]["applied_rev"] == 9, "it has forgotten what should run"
        self.say("it outlives its server's absence, and comes back with what it had")

    def test_not_now(self):
        with self.market.lock:
            sessions, beats = len(self.market.sessions), len(self.market.beats)
            self.market.beat_refusals = 2
        self.wait("heartbeats", lambda: self.market.beat_refusals == 0 and len(self.market.beats) >= beats + 1)
        with self.market.lock:
            assert len(self.market.sessions) == sessions, "503 does not end a session"
        self.say("told that its heartbeat cannot be taken now it says the next one, in the same session")

    def want(self, settles=False, **members):
        """The next desired state, taken; and time to do what is wrong about it."""
        with self.market.lock:
            rev = self.market.desired["desired_rev"] + 1
            self.market.desired = {"desired_rev": rev, **members}
        self.wait(f"applied_rev is {rev}", lambda: self.market.beats[-1][1]["applied_rev"] == rev)
        with self.market.lock:
            beats = len(self.market.beats)
        if settles:
            self.wait("another heartbeat", lambda: len(self.market.beats) > beats)

    def test_operation(self):
        op = {"op_id": secrets.token_hex(16), "kind": "x_of_a_newer_server", "instance_id": 5, "min_gen": 1, "expires_ms": 60000,
              "tail": 0, "is_daemon_log": False, **FUTURE}
        with self.market.lock:
            instances = self.market.desired["instances"]
            self.market.result_refusals = 1
        self.want(instances=instances, ops=[op])
        results = self.market.results
        self.wait("the operation's end, told again where it was not taken", lambda: len(results) >= 2)
        self.want(settles=True, instances=instances, ops=[op])
        with self.market.lock:
            assert all(result["op_id"] == op["op_id"] and result["status"] == "failed" for result in results), results
            assert len(results) == 2, f"taken once, it is not told again: {len(results)} times"
        self.want(instances=instances, ops=[])
        self.say("an operation that it does not know has failed, which is told until it is taken, and is begun once")

    def report(self):
        with self.market.lock:
            return next((report for report in self.market.beats[-1][1]["instances"] if report["id"] == 5), None)

    def test_restart(self):
        with self.market.lock:
            (instance,) = self.market.desired["instances"]
        before = self.report()
        self.want(instances=[instance | {"restart_nonce": 1}])
        self.wait("it was restarted", lambda: any(
            report["restart_nonce"] == 1 and report["phase"] == "running" for report in self.market.beats[-1][1]["instances"]))
        after = self.report()
        assert after["start_token"] != before["start_token"], "a restart has another start token"
        self.want(instances=[instance | {"restart_nonce": 1, "gen": 4}])
        again = self.wait("generation 4 runs", lambda: next((report for report in self.market.beats[-1][1]["instances"] if (
            report["gen"], report["phase"]) == (4, "running")), None))
        assert again["start_token"] == after["start_token"], "it is restarted once"
        self.say("asked to it restarts an instance, once")

    def test_destroy(self):
        with self.market.lock:
            (instance,) = self.market.desired["instances"]
        self.want(instances=[])
        report = self.wait("an instance that is not listed is stopped", lambda: next(
            (report for report in self.market.beats[-1][1]["instances"] if report["phase"] != "running"), None))
        assert report["phase"] == "stopped", f"and kept: {report}"
        gone = {name: instance[name] for name in ("id", "restart_nonce", "stop_after_ms", "lifetime_after_ms", "gpus")} | {
            "gen": 6, "state": "absent"}
        other = text_of(Key().sign(destroy_text(MACHINE, 5, 6)))
        older = text_of(self.market.key.sign(destroy_text(MACHINE, 5, 5)))
        for token in ({}, {"destroy_token": other}, {"destroy_token": older}):
            self.want(settles=True, instances=[gone | token])
            assert self.report() is not None and self.report()["phase"] != "absent", f"destroyed by {token}"
        self.want(instances=[gone | {"destroy_token": text_of(self.market.key.sign(destroy_text(MACHINE, 5, 6)))}])
        self.wait("it is absent", lambda: any((report["id"], report["gen"], report["phase"]) == (5, 6, "absent")
                                              for _, body in self.market.beats for report in body["instances"]))
        self.say("what is not listed is stopped and kept, and data goes by the server's signature alone")

    def test_key_too_soon(self, command):
        with self.market.lock:
            self.market.open_from = time.monotonic() + KEY_WAIT_S
            sessions = len(self.market.sessions)
        done = subprocess.run(shlex.split(command), capture_output=True, timeout=self.patience, check=False)
        assert done.returncode != 0, f"who asked for another key is told that it was not turned: {done}"
        with self.market.lock:
            beats = len(self.market.beats)
        time.sleep(KEY_WAIT_S)
        self.wait("heartbeats", lambda: len(self.market.beats) >= beats + 2)
        with self.market.lock:
            assert self.market.early == 1, f"asked {self.market.early} times before it was to"
            assert len(self.market.sessions) == sessions and not self.market.turned, "its session goes on, by the key that it has"
        self.say("told that the key before is still good it does not ask again before it may, and goes on by what it has")

    def test_key(self, command):
        with self.market.lock:
            sessions, beats = len(self.market.sessions), len(self.market.beats)
        subprocess.run(shlex.split(command), check=True, stdout=subprocess.DEVNULL, timeout=self.patience)
        self.wait("another key", lambda: self.market.turned)
        self.wait("a new session", lambda: len(self.market.sessions) > sessions)
        self.wait("heartbeats in it", lambda: len(self.market.beats) >= beats + 2)
        self.say("it turns its key, signed by both, and opens the next session by the new one")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", required=True, help="a command with {url} and {token}")
    parser.add_argument("--instance", action="store_true", help="the agent can pretend to run one")
    parser.add_argument("--turn-key", metavar="COMMAND", help="has the agent turn its key; for agents that do")
    parser.add_argument("--patience", type=float, default=60, help="seconds for each step")
    options = parser.parse_args()
    market = Market()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(market))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = options.agent.format(url=f"http://127.0.0.1:{server.server_address[1]}", token=market.token)
    process = subprocess.Popen(shlex.split(command), stderr=subprocess.DEVNULL)
    test = Test(market, options.patience)
    try:
        test.test_joins()
        test.test_beats()
        test.test_desired(options.instance)
        test.test_fenced()
        test.test_server_away(process)
        test.test_not_now()
        test.test_operation()
        if options.instance:
            test.test_restart()
            test.test_destroy()
        if options.turn_key:
            test.test_key_too_soon(options.turn_key)
            test.test_key(options.turn_key)
    except AssertionError as failure:
        print(f"FAILED: {failure}; {market.faults[:5]}")
        return 1
    finally:
        process.kill()
        process.wait()
    print(f"{test.passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
