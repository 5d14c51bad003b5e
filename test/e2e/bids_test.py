#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who runs when, on real containers: two GPUs that do not exist, a host's idle job, bids, on-demand
rentals, and what each of them does to the others; lifetimes, and waiting for GPUs."""

import json
import os
import sqlite3
import tempfile
import time

from market import Market, main, steps
from patience import Failure, check, wait_until

GRACE_S = 4
MINUTE_US = 60 * 10**6

# Writes a line a start; when told to make way, what it can read about it, and then goes on.
WORK = ("echo run >> /root/starts; "
        "trap 'cat /run/berth/preempt.json > /root/told; "
        "printf \"GET /berth/preempt.json HTTP/1.0\\r\\n\\r\\n\" | nc 169.254.169.254 80 > /root/asked' TERM; "
        "while :; do sleep 0.05; done")


class Bids:
    def __init__(self, market):
        self.market = market

    def cases(self):
        names = ["a_dummy_job_is_a_floor_and_runs_nothing", "the_idle_job_runs_on_as_many_gpus_as_it_may", "the_idle_job_runs_on_every_gpu",
                 "a_renter_takes_the_place_of_the_idle_job", "onstart_runs_at_every_start",
                 "a_higher_bid_takes_over_after_notice", "the_loser_was_told",
                 "it_comes_back_by_itself_with_its_files", "a_bid_raises_itself",
                 "on_demand_outranks_bids", "it_comes_back_on_another_gpu",
                 "a_start_waits_for_gpus_and_can_be_cancelled", "it_starts_by_itself_when_a_gpu_is_free",
                 "a_lifetime_ends_and_is_extended", "the_idle_job_comes_back", "the_books_are_right"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    # Helpers

    def offer(self):
        found = wait_until("an offer of one GPU", 10, lambda: [
            o for o in self.market.offers() if o["num_gpus"] == 1])
        return found[0]["id"]

    def bid(self, price, user, **more):
        body = {"client_id": "me", "image": "bb:1", "disk": 2, "runtype": "ssh_direc ssh_proxy",
                "price": price, "grace": GRACE_S} | more
        status, reply = self.market.api("PUT", f"/api/v0/asks/{self.offer()}/", body, user=user)
        check(status == 200 and reply.get("new_contract"), f"bid: {status} {reply}")
        return reply["new_contract"]

    def set_price(self, number, user, **body):
        status, reply = self.market.api("PUT", f"/api/v0/instances/bid_price/{number}/",
                                        {"client_id": "me"} | body, user=user)
        check(status == 200, f"change bid: {status} {reply}")

    def set_state(self, number, state, user):
        return self.market.api("PUT", f"/api/v0/instances/{number}/", {"state": state}, user=user)

    def row(self, number, user="ada"):
        return self.market.instance(number, user)

    def running(self, number):
        return any(c["Labels"]["berth.instance"] == str(number) and c["State"] == "running"
                   for c in self.market.containers())

    def container(self, number):
        return next(c for c in self.market.containers() if c["Labels"]["berth.instance"] == str(number))

    def places(self, *states):
        """Of the idle job: how many are in one of these states."""
        marks = ",".join("?" * len(states))
        return self.market.sql(f"SELECT COUNT(*) FROM contract WHERE kind = 4 AND state IN ({marks})", *states)[0][0]

    def meters(self):
        """Of the idle job."""
        return self.market.sql("SELECT COUNT(*) FROM meter m JOIN contract c ON c.id = m.instance_id WHERE c.kind = 4")[0][0]

    def why(self, number, user="ada"):
        return json.loads(self.market.berth("why", number, "--raw", user=user).stdout)

    def wait_ssh(self, number, command, want):
        def probe():
            try:
                done = self.market.ssh(number, command, ok=False)
            except Failure:
                return None
            return done.stdout if want in done.stdout else None

        return wait_until(f"'{want}' from {command}", 15, probe, 0.2)

    def turn_back(self, sql, *arguments):
        """Let the books believe that time has passed."""
        with sqlite3.connect(self.market.dir / "server/berth.sqlite", timeout=20) as connection:
            connection.execute(sql, arguments)

    def let_it_have_run(self, number):
        wait_until("it runs in the books", 10, lambda: self.market.sql(
            "SELECT ran_us FROM contract WHERE id = ? AND ran_us > 0", number))
        self.turn_back("UPDATE contract SET ran_us = ran_us - ? WHERE id = ?", MINUTE_US, number)

    # Cases, one after another

    def a_dummy_job_is_a_floor_and_runs_nothing(self):
        market = self.market
        market.list_machine()
        said = market.berth("set", "defjob", market.machine, "--price-gpu", "0.05", "--image", "ubuntu",
                            "--args", "bash", user="host").stdout
        check("nothing is run" in said, f"it says that nothing is run: {said}")
        check(self.places(1, 2, 3, 5) == 0, "no container is made for it")
        body = {"client_id": "me", "image": "bb:1", "disk": 2, "runtype": "ssh", "price": 0.049}
        status, reply = market.api("PUT", f"/api/v0/asks/{self.offer()}/", body)
        check(status == 400 and reply["error"] == "invalid_price", f"below the floor: {status} {reply}")

    def the_idle_job_runs_on_as_many_gpus_as_it_may(self):
        market = self.market
        words = ["set", "defjob", market.machine, "--price-gpu", "0.05", "--image", "bb:1"]
        work = ["--args", "sh", "-c", "sleep 100000"]
        done = market.berth(*words, "--gpus", "3", *work, user="host", ok=False)
        check(done.returncode == 1 and "gpus is 1 to 2" in done.stderr, f"more than there are: {done}")
        market.berth(*words, "--gpus", "1", *work, user="host")
        shown = json.loads(market.berth("show", "defjob", market.machine, "--raw", user="host").stdout)
        check(shown["gpus"] == 1, f"shown: {shown}")
        wait_until("the job runs on a GPU", 30, lambda: self.places(3) == 1, 0.1)
        job, = [c for c in market.containers() if c["State"] == "running"]
        # The renter gets the GPU that does nothing, and the job stays as it is.
        number = market.rent(self.offer(), "bb:1", user="ada")
        market.wait_running(number)
        check(self.places(3) == 1, "the job has its GPU still")
        check(sorted(c["Id"] for c in market.containers() if c["State"] == "running")
              == sorted([job["Id"], self.container(number)["Id"]]), "its container was left alone")
        market.destroy(number)
        wait_until("the renter is gone", 20, lambda: [c["Id"] for c in market.containers() if c["State"] == "running"] == [job["Id"]])
        check(self.places(1, 2, 3, 5) == 1, "it has one GPU, although two are free")

    def the_idle_job_runs_on_every_gpu(self):
        market = self.market
        market.berth("set", "defjob", market.machine, "--price-gpu", "0.05", "--image", "bb:1", "--args",
                     "sh", "-c", "sleep 100000", user="host")
        shown = json.loads(market.berth("show", "defjob", market.machine, "--raw", user="host").stdout)
        check(shown["image"] == "bb:1" and shown["price_gpu"] == 0.05, f"shown: {shown}")
        wait_until("the job runs on both GPUs", 30, lambda: self.places(3) == 2, 0.1)
        check(sum(c["State"] == "running" for c in market.containers()) == 2, "two containers")
        check(self.meters() == 0, "it is free of charge")

    def a_renter_takes_the_place_of_the_idle_job(self):
        self.ada = self.bid(0.10, "ada", onstart=WORK)
        self.market.wait_running(self.ada)
        check(self.places(3) == 1, "one GPU is the job's, and one the renter's")
        self.demand = self.market.rent(self.offer(), "bb:1", user="bo")
        self.market.wait_running(self.demand, user="bo")
        wait_until("the job has made way for both", 10, lambda: self.places(5) == 2)

    def onstart_runs_at_every_start(self):
        market = self.market
        self.wait_ssh(self.ada, "cat /root/starts", "run")
        market.ssh(self.ada, "printf 'echo script >> /root/starts; echo heard' > /root/onstart.sh; echo kept > /root/file")
        market.api("PUT", f"/api/v0/instances/reboot/{self.ada}/", {})
        self.wait_ssh(self.ada, "cat /root/starts", "script")
        market.wait_running(self.ada)
        starts = market.ssh(self.ada, "cat /root/starts").stdout.split()
        check(sorted(starts) == ["run", "run", "script"], f"a line a start: {starts}")

    def a_higher_bid_takes_over_after_notice(self):
        market = self.market
        self.bo = self.bid(0.12, "bo")
        time.sleep(0.5)
        check(self.running(self.ada) and self.row(self.bo, "bo")["actual_status"] != "running",
              "who has run for less than a minute is not stopped by a bid")
        check(market.sql("SELECT COUNT(*) FROM meter WHERE instance_id = ?", self.bo)[0][0] == 0,
              "a bid that has not run costs nothing")
        self.let_it_have_run(self.ada)
        began = time.monotonic()
        self.set_price(self.bo, "bo", price=0.13)
        wait_until("notice is given", 5, lambda: self.row(self.ada)["next_state"] == "stopped")
        check(self.running(self.ada), "it runs on after the notice")
        row = market.wait_running(self.bo, user="bo")
        took = time.monotonic() - began
        check(took > GRACE_S - 0.5, f"not before the notice is over: {took}")
        check(not self.running(self.ada), "the loser's processes are gone")
        check(row["is_bid"], "it is a bid")
        row = self.row(self.ada)
        check((row["actual_status"], row["stop_reason"]) == ("stopped", "outbid"), f"{row['actual_status']} {row['stop_reason']}")
        why = self.why(self.ada)
        check(why["reason"] == "outbid" and "0.13" in why["msg"], f"why: {why}")

    def the_loser_was_told(self):
        # Read when it is back: here, only that nothing was charged past the deadline.
        gpu = self.market.sql("SELECT SUM(metered_us - start_us) FROM run_interval WHERE contract_id = ?", self.ada)
        pause = self.market.sql("SELECT pause_us, created_us FROM contract WHERE id = ?", self.ada)[0]
        check(0 < gpu[0][0] <= pause[0] - pause[1], f"charged up to the deadline: {gpu} {pause}")

    def it_comes_back_by_itself_with_its_files(self):
        market = self.market
        began = time.monotonic()
        market.destroy(self.bo, user="bo")
        market.wait_running(self.ada, seconds=30)
        print(f"   back after {time.monotonic() - began:.1f} s", flush=True)
        self.wait_ssh(self.ada, "cat /root/starts | wc -l", "5")
        check(market.ssh(self.ada, "cat /root/file").stdout == "kept\n", "its file is there")
        told = json.loads(market.ssh(self.ada, "cat /root/told").stdout)
        check(told["reason"] == "outbid" and told["winner_class"] == "bid", f"preempt.json: {told}")
        check(set(told) == {"reason", "deadline", "winner_class", "price_to_keep"}, f"preempt.json: {told}")
        check(abs(told["price_to_keep"] - 0.13) < 0.0015, f"what would have kept it: {told}")
        asked = market.ssh(self.ada, "cat /root/asked").stdout
        check("200 OK" in asked and json.loads(asked.strip().splitlines()[-1]) == told, f"metadata: {asked}")
        check(market.ssh(self.ada, "ls /run/berth/preempt.json", ok=False).returncode != 0,
              "the notice of the last run is gone")

    def a_bid_raises_itself(self):
        self.set_price(self.ada, "ada", price=0.10, max_price=0.20)
        self.let_it_have_run(self.ada)
        queued = self.bid(0.15, "bo")
        wait_until("the price is raised", 10, lambda: abs(self.row(self.ada)["dph_base"] - 0.15) < 1e-9)
        check(self.running(self.ada), "it runs on")
        check(self.row(queued, "bo")["actual_status"] in ("scheduling", "stopped"), "the other one waits")
        status, _ = self.market.api("DELETE", f"/api/v0/instances/{queued}/", {}, user="bo")
        check(status == 200, "a bid that never ran goes at once")
        check(self.market.sql("SELECT COUNT(*) FROM meter WHERE instance_id = ?", queued)[0][0] == 0, "and cost nothing")

    def on_demand_outranks_bids(self):
        self.second = self.market.rent(self.offer(), "bb:1", user="bo")
        self.market.wait_running(self.second, user="bo")
        check(not self.running(self.ada), "the bid has made way")
        check(self.row(self.ada)["stop_reason"] == "outranked_by_on_demand", self.row(self.ada)["stop_reason"])

    def it_comes_back_on_another_gpu(self):
        market = self.market
        before = market.sql("SELECT gpu_id FROM gpu_claim WHERE contract_id = ? ORDER BY id DESC LIMIT 1", self.ada)
        self.set_state(self.demand, "stopped", "bo")
        market.wait_running(self.ada, seconds=30)
        after = market.sql("SELECT gpu_id FROM gpu_claim WHERE contract_id = ? ORDER BY id DESC LIMIT 1", self.ada)
        check(before != after, f"another GPU: {before} {after}")
        check(market.ssh(self.ada, "cat /root/file").stdout == "kept\n", "with its files")

    def a_start_waits_for_gpus_and_can_be_cancelled(self):
        market = self.market
        self.third = market.rent(self.offer(), "bb:1", user="bo")
        market.wait_running(self.third, user="bo")
        status, reply = self.set_state(self.demand, "running", "bo")
        check(status == 200 and reply["success"], f"start: {status} {reply}")
        row = self.row(self.demand, "bo")
        check((row["actual_status"], row["next_state"], row["cur_state"]) == ("scheduling", "running", "stopped"),
              f"it waits: {row['actual_status']} {row['next_state']} {row['cur_state']}")
        self.set_state(self.demand, "stopped", "bo")
        check(self.row(self.demand, "bo")["actual_status"] == "stopped", "cancelled")

    def it_starts_by_itself_when_a_gpu_is_free(self):
        self.set_state(self.demand, "running", "bo")
        self.market.destroy(self.third, user="bo")
        self.market.wait_running(self.demand, seconds=30, user="bo")

    def a_lifetime_ends_and_is_extended(self):
        market = self.market
        # Its end is a second away, as far as the books say.
        self.turn_back("UPDATE contract SET end_us = ? WHERE id = ?", int((time.time() + 1) * 1e6), self.demand)
        market.api("PUT", f"/api/v0/instances/{self.demand}/", {"label": "x"}, user="bo")
        row = wait_until("its lifetime is over", 35, lambda: self.stopped(self.demand))
        check(row["stop_reason"] == "lifetime_expired", row["stop_reason"])
        check(row["retention_date"] > time.time() + 6 * 86400, "how long its data is kept is shown")
        status, reply = self.set_state(self.demand, "running", "bo")
        check((status, reply["error"]) == (400, "lifetime_expired"), f"start is refused: {status} {reply}")
        dearer = market.berth("extend", "machine", market.machine, "--until", "2099-01-01", "-g", "0.40",
                              user="host", ok=False)
        check(dearer.returncode == 1, f"a higher price is refused: {dearer}")
        market.berth("extend", "machine", market.machine, "--until", "2099-01-01", user="host")
        status, reply = self.set_state(self.demand, "running", "bo")
        check(status == 200, f"start: {status} {reply}")
        market.wait_running(self.demand, seconds=30, user="bo")

    def stopped(self, number):
        row = self.row(number, "bo")
        return row if row["cur_state"] == "stopped" and row["actual_status"] == "stopped" else None

    def the_idle_job_comes_back(self):
        market = self.market
        for number, user in ((self.demand, "bo"), (self.second, "bo"), (self.ada, "ada")):
            market.destroy(number, user=user)
        wait_until("the job runs on both GPUs", 30, lambda: self.places(3) == 2, 0.1)
        market.berth("remove", "defjob", market.machine, user="host")
        wait_until("it is gone", 20, lambda: self.places(9) >= 2 and self.places(1, 2, 3, 5, 8, 10) == 0, 0.1)
        check(all(c["State"] != "running" for c in market.containers()), "nothing runs")

    def the_books_are_right(self):
        self.market.check_books()
        check(self.meters() == 0, "the idle job has no meters")


def run(options):
    with tempfile.NamedTemporaryFile("w", suffix=".csv", dir="/var/tmp", delete=False) as gpus:
        gpus.write("RTX 4090,24564,2\n")
    try:
        with Market(options.bin, simulate_gpus=gpus.name) as market:
            market.import_busybox()
            steps(Bids(market).cases())
    finally:
        os.unlink(gpus.name)


if __name__ == "__main__":
    main(run)
