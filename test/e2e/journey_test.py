#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole journey, twice on one market: a host joins and lists its machine; a renter finds it,
rents it, works in it with OpenSSH's own clients, stops, starts, reboots and destroys it, and is
charged exactly what the meters say."""

import hashlib
import json
import os
import subprocess
import time
import urllib.request

from market import Market, main, steps
from patience import Failure, check, wait_until

NANO = 10**9


class Journey:
    """One renting, as a list of steps that share what they found."""

    def __init__(self, market, round_number):
        self.market = market
        self.round = round_number
        self.id = None
        self.credit = None

    def cases(self):
        names = ["finds_the_machine", "rents_it", "works_in_it", "copies_files", "reads_logs",
                 "labels_it", "stops_it", "starts_it_and_finds_the_files", "reboots_it",
                 "its_requests_are_known_to_the_end", "is_charged_while_it_runs", "destroys_it", "the_bill_is_exact"]
        return [(f"round {self.round}: {name.replace('_', ' ')}", getattr(self, name)) for name in names]

    def finds_the_machine(self):
        self.market.list_machine()
        # After a destroy the machine is free as soon as its host says that nothing is left.
        mine = wait_until("the machine is offered", 6, self.offers)
        check(len(mine) == 1, f"a CPU machine is one offer, not {len(mine)}")
        self.offer = mine[0]
        check(self.offer["num_gpus"] == 0 and self.offer["rentable"], f"rentable: {self.offer}")
        check(abs(self.offer["dph_base"] - 0.36) < 1e-9, f"the host's price: {self.offer['dph_base']}")
        table = self.market.berth("search", "offers").stdout
        check(str(self.offer["id"]) in table, f"the table shows it: {table}")
        none = self.market.berth("search", "offers", "gpu_name=RTX_4090", "--raw").stdout
        check(json.loads(none) == [], "a search that names a GPU does not show it")

    def offers(self):
        return [o for o in self.market.offers() if o["machine_id"] == self.market.machine]

    def rents_it(self):
        self.credit = self.market.api("GET", "/api/v0/users/current")[1]["credit"]
        done = self.market.berth("create", "instance", self.offer["id"], "--image", "bb:1", "--disk", "4",
                                 "--ssh", "--direct", "--env", "-e COLOUR=blue",
                                 "--onstart-cmd", "echo started >> /root/starts", "--raw")
        self.id = json.loads(done.stdout)["new_contract"]
        check(self.market.instance(self.id) is not None, "it is visible at once")
        self.row = self.market.wait_running(self.id)
        wait_until("a rented machine is no longer offered", 6, lambda: self.offers() == [])
        status, reply = self.market.api("PUT", f"/api/v0/asks/{self.offer['id']}/", {"image": "bb:1"}, user="bo")
        check(status == 404 and "no_such_ask" in reply["msg"], f"taken: {status} {reply}")

    def works_in_it(self):
        market = self.market
        check("Linux" in market.ssh(self.id, "uname -a").stdout, "uname")
        check(market.instance(self.id)["mem_usage"] is not None, "the host says what memory it uses")
        environment = market.ssh(self.id, "echo $VAST_CONTAINERLABEL $BERTH_CONTAINERLABEL $COLOUR; hostname").stdout
        check(environment.split() == [f"C.{self.id}", f"C.{self.id}", "blue", f"C.{self.id}"],
              f"its name and variables: {environment}")
        check(market.ssh(self.id, "exit 7", ok=False).returncode == 7, "the exit code comes back")
        split = market.ssh(self.id, "echo out; echo err >&2")
        check((split.stdout, split.stderr) == ("out\n", "err\n"), f"both streams, apart: {split}")
        check(market.ssh(self.id, "cat", input="to and fro\n").stdout == "to and fro\n", "standard input")
        size = subprocess.run(["ssh", "-tt", *market.ssh_options("-p", self.id), "root@127.0.0.1",
                               "stty size; echo $TERM"], capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL, env=dict(os.environ, TERM="xterm"), check=False)
        check("xterm" in size.stdout, f"a terminal of the right kind: {size.stdout} {size.stderr}")
        wrong = market.dir / f"wrong{self.round}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", wrong], check=True)
        check(market.ssh(self.id, "true", ok=False, key=wrong).returncode == 255, "a wrong key is refused")
        own = market.berth("ssh", self.id, "-i", market.ssh_key, "--", "echo", "through", "berth",
                           stdin=subprocess.DEVNULL)
        check(own.stdout == "through berth\n", f"berth ssh: {own.stdout} {own.stderr}")

    def copies_files(self):
        market = self.market
        data = os.urandom(3_000_000)
        (market.dir / "up").write_bytes(data)
        options = market.ssh_options("-P", self.id)
        for mode in ([], ["-O"]):
            subprocess.run(["scp", *mode, *options, market.dir / "up", "root@127.0.0.1:/root/file"],
                           check=True, timeout=60, capture_output=True)
            subprocess.run(["scp", *mode, *options, "root@127.0.0.1:/root/file", market.dir / "down"],
                           check=True, timeout=60, capture_output=True)
            check((market.dir / "down").read_bytes() == data, f"scp {mode} there and back")
        batch = f"put {market.dir}/up /root/by-sftp\nls -l /root\nget /root/by-sftp {market.dir}/down2\n"
        subprocess.run(["sftp", "-b", "-", *options, "root@127.0.0.1"], input=batch.encode(), check=True,
                       timeout=60, capture_output=True)
        check((market.dir / "down2").read_bytes() == data, "sftp there and back")
        self.sum = hashlib.sha256(data).hexdigest()

    def reads_logs(self):
        logs = self.market.berth("logs", self.id)
        check(logs.returncode == 0, f"logs: {logs.stderr}")
        status, reply = self.market.api("PUT", f"/api/v0/instances/command/{self.id}/", {"command": "ls /root"})
        check(status == 200 and reply["result_url"].startswith("http"), f"execute: {status} {reply}")
        path = reply["result_url"].removeprefix(self.market.url)
        text = wait_until("the command's output", 9, lambda: self.result(path))
        check("by-sftp" in text, f"the command ran in the container: {text}")
        done = self.market.berth("execute", self.id, "--", "echo out; echo err >&2; exit 7", ok=False)
        check((done.returncode, sorted(done.stdout.split())) == (7, ["err", "out"]), f"its exit code comes back: {done}")
        check(self.market.berth("execute", self.id, "true").stdout == "", "and 0 where all went well")
        self.follows_logs()

    def follows_logs(self):
        """What is printed is there within seconds, each line once, and following ends with the instance."""
        market = self.market
        environment = dict(os.environ, BERTH_URL=market.url, BERTH_API_KEY=market.keys["ada"],
                           XDG_CONFIG_HOME=str(market.dir / "config"))
        follower = subprocess.Popen([market.bin / "berth", "logs", str(self.id), "--follow", "--filter", "tick"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            for i in range(3):
                market.ssh(self.id, f"echo tick {i} >/proc/1/fd/1; echo nothing >/proc/1/fd/1")
                line = follower.stdout.readline()
                check(line == f"tick {i}\n", f"a line that was printed: {line!r}")
        finally:
            follower.kill()
            follower.wait()

    def result(self, path):
        status, reply = self.market.api("GET", path, user=None)
        return reply if status == 200 else None

    def labels_it(self):
        self.market.berth("label", "instance", self.id, f"train-{self.round}")
        check(self.market.instance(self.id)["label"] == f"train-{self.round}", "the label is kept")
        status, _ = self.market.api("PUT", f"/api/v0/instances/{self.id}/", {"label": "x"}, user="bo")
        check(status == 404, f"another renter's instance does not exist for bo: {status}")

    def its_requests_are_known_to_the_end(self):
        """A request's id is in the host's log, in the row of what it asked for, and in the events that came of it."""
        market, mark = self.market, len((self.market.dir / "host.log").read_text(errors="replace"))

        def logged(event, request):
            lines = (market.dir / "host.log").read_text(errors="replace")[mark:].splitlines()
            return [line for line in map(parse_line, lines) if line.get("event") == event and
                    line.get("request") == request]

        def events(request):
            rows = market.sql("SELECT state FROM contract_event WHERE contract_id = ? AND request_id = ? ORDER BY id",
                              self.id, request)
            return len(rows)

        name = f"req-{self.round}"
        self.ask(f"{name}-op", f"/api/v0/instances/command/{self.id}/", {"command": "true"})
        wait_until("the host's log has the operation", 9, lambda: logged("operation ended", f"{name}-op"))
        check(len(logged("operation begun", f"{name}-op")) == 1, "once")
        check(market.sql("SELECT COUNT(*) FROM op WHERE request_id = ?", f"{name}-op") == [(1,)], "its row has it")
        for verb, status in (("stopped", "stopped"), ("running", "running")):
            self.ask(f"{name}-{verb}", f"/api/v0/instances/{self.id}/", {"state": verb})
            market.wait_status(self.id, status)
            wait_until(f"the host's log has {verb}", 9, lambda: logged("step done", f"{name}-{verb}"))
            check(events(f"{name}-{verb}") >= 2, f"what was asked for, and the host's answer: {events(f'{name}-{verb}')}")
        market.wait_running(self.id)

    def ask(self, request_id, path, body):
        request = urllib.request.Request(self.market.url + path, data=json.dumps(body).encode(), method="PUT")
        for header, value in (("Content-Type", "application/json"), ("X-Request-Id", request_id),
                              ("Authorization", f"Bearer {self.market.keys['ada']}")):
            request.add_header(header, value)
        with urllib.request.urlopen(request, timeout=30) as reply:
            check(reply.headers["X-Request-Id"] == request_id, "the answer says it again")

    def stops_it(self):
        self.market.berth("stop", "instance", self.id)
        row = self.wait_stopped()
        check(row["intended_status"] == "stopped" and row["cur_state"] == "stopped", f"stopped: {row['cur_state']}")
        check(all(c["State"] != "running" for c in self.market.containers()), "nothing runs on the host")
        check("stop" in self.market.berth("why", self.id).stdout.lower(), "berth why says so")

    def wait_stopped(self):
        def probe():
            row = self.market.instance(self.id)
            return row if row["actual_status"] in ("stopped", "exited") else None

        return wait_until(f"instance {self.id} is stopped", 30, probe, 0.1)

    def starts_it_and_finds_the_files(self):
        self.market.berth("start", "instance", self.id)
        self.market.wait_running(self.id)
        line = self.market.ssh(self.id, "sha256sum /root/file; wc -l < /root/starts").stdout.split()
        check(line[0] == self.sum, "the file written before is intact")
        check(line[-1] == "2", f"onstart ran once a start: {line}")

    def reboots_it(self):
        before = self.market.ssh(self.id, "cat /root/starts").stdout.count("started")
        self.market.berth("reboot", "instance", self.id)

        def probe():
            try:
                return self.market.ssh(self.id, "cat /root/starts").stdout.count("started") == before + 1
            except Failure:
                return False

        wait_until("one restart, and only one", 30, probe, 0.3)
        self.market.wait_running(self.id)
        time.sleep(1)
        check(self.market.ssh(self.id, "cat /root/starts").stdout.count("started") == before + 1, "once")

    def is_charged_while_it_runs(self):
        first = self.market.api("GET", "/api/v0/users/current")[1]["credit"]
        time.sleep(6)
        second = self.market.api("GET", "/api/v0/users/current")[1]["credit"]
        check(second < first <= self.credit, f"the balance moves: {self.credit} {first} {second}")

    def destroys_it(self):
        self.market.destroy(self.id)
        check(self.market.containers() == [], "no container is left")
        self.market.wait_pool()

    def the_bill_is_exact(self):
        market = self.market
        market.check_books()
        meters = market.sql("SELECT comp, rate, qty, denom, total, posted_total, rem, gross_posted, "
                            "host_posted FROM meter WHERE instance_id = ?", self.id)
        check(len(meters) == 4, f"four meters: {meters}")
        for comp, rate, qty, denom, total, posted, rem, gross, host in meters:
            check(total == posted, f"meter {comp} is posted to the end")
            check(gross * denom + rem == rate * qty * total, f"meter {comp}: the charge is the usage")
            check(host == gross * 75 // 100, f"meter {comp}: the host has 75 %")
        gross = sum(m[7] for m in meters)
        left = market.api("GET", "/api/v0/users/current")[1]["credit"]
        spent = round(self.credit * NANO) - round(left * NANO)
        check(abs(spent - gross) <= 2, f"what left the balance is what the meters say: {spent} {gross}")
        gpu = next(m for m in meters if m[0] == 1)
        check(gpu[4] > 6_000_000, f"at least the seconds that we watched: {gpu[4]} us")


def an_offer(market):
    return wait_until("an offer", 6, market.offers)[0]["id"]


def duplicate_enrolment(market):
    token = market.token()
    done = market.berth("host", "token", "--raw", user="host")
    check(json.loads(done.stdout)["token"] != token, "every token is new")
    status, reply = market.api("POST", "/agent/v1/enroll", {"token": "0" * 64, "public_key": "x", "facts": {}}, user=None)
    check(400 <= status < 500 and reply["msg"], f"a token that was never issued: {status} {reply}")


def unknown_image(market):
    market.list_machine()
    number = market.rent(an_offer(market), "no-such-image.invalid/at-all:1")

    def probe():
        row = market.instance(number)
        return row if row["status_msg"] and "no-such-image" in row["status_msg"] else None

    row = wait_until("the failure is told", 60, probe, 0.2)
    check(row["actual_status"] != "running", "it does not run")
    market.destroy(number)
    spent = market.sql("SELECT gross_posted FROM meter WHERE instance_id = ? AND comp = 1", number)
    check(spent == [(0,)], f"what never ran costs nothing: {spent}")


def image_with_no_shell(market):
    guest = (market.bin / "berth-guest").read_bytes()
    market.import_image("one:1", {"only": guest})
    number = market.rent(an_offer(market), "one:1")
    market.wait_running(number)
    for command, word in (("echo hello | cat", "shell"), ("no-such-program", "no-such-program")):
        done = market.ssh(number, command, ok=False)
        check(done.returncode == 127 and word in done.stderr and done.stderr.count("\n") == 1,
              f"one clear line: {done}")
    market.destroy(number)


def volume_outlives_its_instance(market):
    """Made with one instance, read by the next, and gone from the host when its owner says so."""
    market.list_machine()
    rows = wait_until("space for volumes", 6, lambda: json.loads(
        market.berth("search", "volumes", "-n", "--raw").stdout))
    done = market.berth("create", "instance", an_offer(market), "--image", "bb:1", "--disk", "4", "--ssh", "--direct",
                        "--create-volume", rows[0]["id"], "--volume-size", "2", "--mount-path", "/data", "--raw")
    made = json.loads(done.stdout)
    market.wait_running(made["new_contract"])
    market.ssh(made["new_contract"], "echo kept > /data/file")
    market.destroy(made["new_contract"])
    done = market.berth("create", "instance", an_offer(market), "--image", "bb:1", "--disk", "4", "--ssh", "--direct",
                        "--link-volume", made["volume_id"], "--mount-path", "/mnt/old", "--raw")
    second = json.loads(done.stdout)["new_contract"]
    market.wait_running(second)
    check(market.ssh(second, "cat /mnt/old/file").stdout == "kept\n", "the next instance reads it")
    refused = market.berth("delete", "volume", made["volume_id"], ok=False)
    check(refused.returncode == 1 and "destroy it first" in refused.stderr, f"in use: {refused}")
    market.destroy(second)
    market.berth("delete", "volume", made["volume_id"])
    wait_until("it is gone from the host", 20, lambda: market.sql(
        "SELECT state FROM contract WHERE id = ?", made["volume_id"]) == [(9,)])
    check(json.loads(market.engine("GET", "/volumes")[1])["Volumes"] == [], "the engine has none")
    total = market.sql("SELECT total FROM meter WHERE instance_id = ? AND comp = 2", made["volume_id"])[0][0]
    check(total > 1_000_000, f"charged for as long as it was there: {total} us")


def parse_line(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}


def short_credit(market):
    market.keys["poor"] = market.make_user("poor", "0.40")
    status, reply = market.api("PUT", f"/api/v0/asks/{an_offer(market)}/", {"image": "bb:1", "disk": 4}, user="poor")
    check(status == 400 and reply["error"] == "insufficient_balance", f"{status} {reply}")
    check(market.offers() != [], "the offer is still there")


def run(options):
    with Market(options.bin) as market:
        market.import_busybox()
        bad_input = [("bad input: " + case.__name__.replace("_", " "), lambda case=case: case(market))
                     for case in (duplicate_enrolment, short_credit, unknown_image, image_with_no_shell)]
        volume = [("a volume outlives its instance", lambda: volume_outlives_its_instance(market))]
        steps(Journey(market, 1).cases() + Journey(market, 2).cases() + volume + bad_input)
        market.check_books()


if __name__ == "__main__":
    main(run)
