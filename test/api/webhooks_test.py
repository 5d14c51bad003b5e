#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Webhooks: made and tried by clients, taken by a server that checks the signature as docs/webhooks.md
says; and that none of them reaches what is not public."""

import hashlib
import hmac
import http.server
import json
import os
import socket
import subprocess
import threading
import time
import unittest

from world import BIN, World
from patience import wait_until

PATH = "/api/v0/webhooks/"


class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


def taker(status=200):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    server.taken, server.status, server.daemon_threads = [], status, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def wait(is_done):
    wait_until("it comes", 30, is_done)


def is_signed(secret, headers, body):
    """What docs/webhooks.md tells takers to do."""
    text = headers["X-Vast-Timestamp"].encode() + b"." + body
    wanted = "sha256=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    is_fresh = abs(time.time() - int(headers["X-Vast-Timestamp"])) <= 300
    return is_fresh and hmac.compare_digest(wanted, headers["X-Vast-Signature-256"])


class Webhooks(unittest.TestCase):
    def make(self, who, url, **more):
        return who.ok("POST", PATH, {"name": "ops", "webhook_url": url,
                                     "event_types": ["client:low_credit", "client:reclaim"], **more})

    def refused(self, who, method, path, body, status, code):
        got, reply = who.call(method, path, body)
        self.assertEqual((got, reply["error"]), (status, code), reply)

    def test_the_life_of_a_webhook(self):
        server = taker()
        url = f"http://127.0.0.1:{server.server_address[1]}/hook?a=b"
        with World("--allow-local-webhooks") as world:
            ada, bo = world.user("ada"), world.user("bo")
            made = self.make(ada, url)
            self.assertEqual(made["enabled_notification_preferences"], ["client:low_credit", "client:reclaim"])
            prefs = ada.ok("GET", "/api/v0/users/me/notification-prefs/")["notification_preferences"]
            self.assertTrue(prefs["client"]["low_credit"]["webhooks"])
            hook, secret = made["webhook"], made["webhook"]["webhook_secret"]
            listed = ada.ok("GET", PATH)["webhooks"]
            self.assertEqual([(row["id"], row["webhook_url"]) for row in listed], [(hook["id"], url)])
            self.assertNotIn(secret, json.dumps(listed))
            self.assertEqual(bo.ok("GET", PATH)["webhooks"], [])
            for path in world.data.rglob("*"):
                if path.is_file():
                    self.assertNotIn(secret.encode(), path.read_bytes(), path)

            ada.ok("POST", f"{PATH}{hook['id']}/test/", {})
            wait(lambda: server.taken)
            path, headers, body = server.taken[0]
            self.assertEqual(path, "/hook?a=b")
            self.assertTrue(is_signed(secret, headers, body))
            self.assertFalse(is_signed(secret, headers, body + b" "))
            self.assertFalse(is_signed("0" * 64, headers, body))
            message = json.loads(body)
            self.assertEqual((message["notif_type"], message["user_id"], message["subject"]),
                             ("webhook_test", ada.id, "A test"))
            self.assertEqual((headers["X-Vast-Event-Id"], headers["X-Vast-Delivery-Attempt"]),
                             (message["event_id"], "1"))

            fresh = ada.ok("POST", f"{PATH}{hook['id']}/rotate-secret/", {})["webhook"]["webhook_secret"]
            ada.ok("POST", f"{PATH}{hook['id']}/test/", {})
            wait(lambda: len(server.taken) == 2)
            self.assertTrue(is_signed(fresh, *server.taken[1][1:]))
            self.assertNotEqual(json.loads(server.taken[1][2])["event_id"], message["event_id"])

            # A redirect is no success, and leads nowhere.
            server.status = 302
            ada.ok("POST", f"{PATH}{hook['id']}/test/", {})
            wait(lambda: ada.ok("GET", PATH)["webhooks"][0]["failing_since"])
            self.assertEqual([row[0] for row in server.taken], ["/hook?a=b"] * 3)

            changed = ada.ok("PUT", f"{PATH}{hook['id']}/", {"name": "dev", "enabled": False})["webhook"]
            self.assertEqual((changed["name"], changed["enabled"], changed["webhook_url"]), ("dev", False, url))
            self.refused(bo, "DELETE", f"{PATH}{hook['id']}/", {}, 404, "no_such_webhook")
            self.berth_verbs(world, bo, url, server)
            ada.ok("DELETE", f"{PATH}{hook['id']}/", {})
            self.assertEqual(ada.ok("GET", PATH)["webhooks"], [])
        server.shutdown()

    def berth_verbs(self, world, who, url, server):
        def berth(*words):
            env = {**os.environ, "BERTH_URL": f"http://{world.address}", "BERTH_API_KEY": who.key,
                   "HOME": str(world.dir), "XDG_CONFIG_HOME": str(world.dir)}
            done = subprocess.run([BIN / "berth", *words], env=env, capture_output=True, text=True, timeout=60,
                                  check=False, stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.strip()

        server.status = 204
        secret = berth("create", "webhook", "--webhook-url", url, "--events", "client:reclaim,client:low_credit")
        self.assertRegex(secret, "^[0-9a-f]{64}$")
        number = str(who.ok("GET", PATH)["webhooks"][0]["id"])
        self.assertIn("client:reclaim", berth("show", "webhooks"))
        before = len(server.taken)
        berth("test", "webhook", number)
        wait(lambda: len(server.taken) > before)
        self.assertTrue(is_signed(secret, *server.taken[-1][1:]))
        self.assertRegex(berth("reset", "webhook", number), "^[0-9a-f]{64}$")
        berth("delete", "webhook", number)

    def test_nothing_reaches_what_is_not_public(self):
        """R28: by whatever name or number, and with what a canary would see counted."""
        canary = socket.create_server(("127.0.0.1", 0))
        canary.settimeout(0.3)
        port = canary.getsockname()[1]
        with World() as world:
            ada = world.user("ada")
            for host in ("127.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0177.0.0.1",
                         "[::1]", "[fd00::1]", "10.0.0.1", "100.64.0.1", "user@example.org", "0"):
                with self.subTest(host):
                    self.refused(ada, "POST", PATH, {"webhook_url": f"https://{host}:{port}/", "event_types": [
                        "client:low_credit"]}, 400, "invalid_args")
            for url in (f"http://example.org:{port}/", "ftp://example.org/", "file:///etc/passwd", "example.org",
                        "https://example.org/\r\nX: y", "https://" + "a" * 2050, ""):
                self.refused(ada, "POST", PATH, {"webhook_url": url, "event_types": ["client:low_credit"]},
                             400, "invalid_args")
            # Names are looked at when they are resolved.
            for name in ("localhost", "localhost."):
                hook = self.make(ada, f"https://{name}:{port}/")["webhook"]
                ada.ok("POST", f"{PATH}{hook['id']}/test/", {})
            wait(lambda: all(row["failing_since"] for row in ada.ok("GET", PATH)["webhooks"]))
            with self.assertRaises(TimeoutError):
                canary.accept()
            self.refused(ada, "POST", PATH, {"webhook_url": "https://example.org/", "event_types": ["x"]},
                         400, "invalid_args")
            self.refused(ada, "POST", PATH, {"webhook_url": "https://example.org/", "event_types": []},
                         400, "invalid_args")
            self.make(ada, "https://hook.invalid/")
            self.make(ada, "https://hook.invalid/")
            self.refused(ada, "POST", PATH, {"webhook_url": "https://hook.invalid/", "event_types": [
                "client:low_credit"]}, 400, "too_many")
        canary.close()


if __name__ == "__main__":
    unittest.main()
