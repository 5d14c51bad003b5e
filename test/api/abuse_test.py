#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody who tries things: guesses ids by the time that answers take (R24), calls too often (R27), and
has got hold of what lies on the disk (R33)."""

import http.client
import statistics
import time
import unittest

from world import World, totp

API = "/api/v0"
PASSWORD = "correct horse battery"


class Line:
    """One connection, for calls that are counted or timed."""

    def __init__(self, world, key):
        self.connection = http.client.HTTPConnection(world.host, world.port, timeout=40)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        self.connection.request(method, path, body=body, headers=self.headers)
        reply = self.connection.getresponse()
        return reply.status, reply.getheader("Retry-After"), reply.read()


class Abuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.bo = cls.world.user("bo", credit="25.00")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def gap(self, line, foreign, missing):
        """Between the medians of both, asked in turn, in seconds."""
        times = {foreign: [], missing: []}
        for i in range(150):
            for path in (foreign, missing) if i % 2 else (missing, foreign):
                start = time.perf_counter()
                status, _, body = line.call("GET", path)
                times[path].append(time.perf_counter() - start)
                self.assertEqual(status, 404, body)
        return abs(statistics.median(times[foreign]) - statistics.median(times[missing]))

    def test_no_id_tells_by_the_time_that_it_takes(self):
        """R24: under a millisecond; others on this machine may disturb one measurement, not all."""
        made = self.ada.ok("POST", API + "/auth/apikeys/", {"name": "t", "permissions": {"api": {"misc": {}}}})
        line = Line(self.world, self.bo.key)
        gaps = []
        for _ in range(3):
            gaps.append(self.gap(line, f"{API}/auth/apikeys/{made['id']}/", f"{API}/auth/apikeys/987654321/"))
            if gaps[-1] < 0.001:
                return
        self.fail(f"ids show: {gaps}")

    def test_who_calls_too_often_is_told_when_to_come_back(self):
        """R27: writing secrets, 200 at once and 10 a second, give or take 5 %; nobody else feels it."""
        abuser, start, allowed, refused = Line(self.world, self.ada.key), time.monotonic(), 0, 0
        # However slow this machine is: until the measure is full, and then for a while.
        while refused <= 20 and time.monotonic() - start < 60:
            status, wait, _ = abuser.call("POST", API + "/team/accept/", "{}")
            allowed += status == 400
            refused += status == 429
            if status == 429:
                self.assertGreaterEqual(int(wait), 1)
        lasted = time.monotonic() - start
        self.assertGreater(refused, 10)
        self.assertAlmostEqual(allowed, 200 + 10 * lasted, delta=0.05 * (200 + 10 * lasted))
        self.assertEqual(self.bo.call("POST", API + "/team/accept/", {})[0], 400)
        # Reading has a measure of its own.
        self.assertEqual(self.ada.call("GET", API + "/users/current")[0], 200)
        time.sleep(1.1)
        self.assertEqual(abuser.call("POST", API + "/team/accept/", "{}")[0], 400)


class Canaries(unittest.TestCase):
    def test_no_secret_lies_in_the_clear(self):
        """R33: not in the database, its log, or the server's log; while it runs, and after it has ended."""
        with World() as world:
            ada, bo = world.user("ada", credit="25.00"), world.user("bo")
            team = world.team(ada, "crew")
            secrets = {"the account's key": ada.key, "the team's key": team.key,
                       "a password": PASSWORD, "a session": world.session_of(bo, PASSWORD)}
            secrets["a narrowed key"] = ada.ok("POST", API + "/auth/apikeys/", {
                "name": "t", "permissions": {"api": {"misc": {}}}})["key"]
            secrets["a variable"] = "canary-of-a-variable"
            ada.ok("POST", API + "/secrets/", {"key": "HF", "value": secrets["a variable"]})
            secrets["a registry's password"] = "canary-of-a-registry"
            ada.ok("POST", API + "/template/", {
                "name": "n", "image": "ghcr.io/x/y", "docker_login_repo": "ghcr.io", "docker_login_user": "u",
                "docker_login_pass": secrets["a registry's password"]})
            secrets["a webhook's secret"] = ada.ok("POST", API + "/webhooks/", {
                "webhook_url": "https://hook.invalid/", "event_types": ["client:low_credit"]})["webhook"]["webhook_secret"]
            secrets["a machine's token"] = ada.ok("POST", API + "/machines/enroll_token/", {})["token"]
            seed = bo.ok("POST", API + "/tfa/totp-setup/", {})["secret"]
            done = bo.ok("POST", API + "/tfa/confirm-new/", {"tfa_method": "totp", "code": totp(seed), "secret": seed})
            secrets["a seed"], secrets["a backup code"] = seed, done["backup_codes"][0]
            team.ok("POST", API + "/team/invite/", {"email": "bo@berth.test", "role": "member"})
            secrets["an invitation"] = world.mail_code("bo@berth.test").split("-")[1]
            self.assertEqual(len(set(secrets.values())), len(secrets))
            self.look(world, secrets)
            world.restart()
            self.look(world, secrets)

    def look(self, world, secrets):
        files = [path for path in world.data.rglob("*") if path.is_file() and path.suffix != ".eml"]
        self.assertGreater(len(files), 2)
        for path in [*files, world.dir / "log"]:
            content = path.read_bytes()
            for what, secret in secrets.items():
                self.assertNotIn(secret.encode(), content, f"{what} is in {path.name}")
        self.assertIn(b"ada@berth.test", b"".join(path.read_bytes() for path in files))


if __name__ == "__main__":
    unittest.main()
