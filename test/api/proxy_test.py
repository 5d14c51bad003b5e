#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""berthd behind a real nginx with the configuration that deploy/ ships: what a proxy could break."""

import http.client
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from ports import free_port  # noqa: E402
from world import SKIP, World, die_with_the_test  # noqa: E402
from patience import wait_until  # noqa: E402

CONF = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/nginx.conf"
MAIN = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.log; user root;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; include {dir}/berth.conf; }}
"""


def find_nginx():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")


class Proxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("--trusted-proxies", "127.0.0.1").__enter__()
        cls.ada = cls.world.user("ada", credit="5.00")
        cls.op = cls.world.user("op", is_admin=True)
        cls.direct = cls.world.port
        cls.start_nginx()
        cls.world.port = cls.plain

    @classmethod
    def tearDownClass(cls):
        cls.nginx.terminate()
        cls.nginx.wait(10)
        cls.world.__exit__(None, None, None)

    @classmethod
    def start_nginx(cls):
        folder = cls.world.dir
        folder.chmod(0o755)
        cls.tls, cls.plain = free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem", "-days", "2", "-subj",
                        "/CN=berth.example", "-addext", "subjectAltName=DNS:berth.example"],
                       capture_output=True, check=True, timeout=60)
        text = CONF.read_text().replace("127.0.0.1:8080", cls.world.address)
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{cls.tls} ssl; listen 127.0.0.1:{cls.plain};")
        text = text.replace("/etc/ssl/berth", str(folder))
        (folder / "berth.conf").write_text(text)
        (folder / "nginx.conf").write_text(MAIN.format(dir=folder))
        cls.nginx = subprocess.Popen([find_nginx(), "-p", folder, "-c", folder / "nginx.conf"],
                                     stderr=subprocess.DEVNULL, preexec_fn=die_with_the_test)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", cls.plain)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"nginx does not start: {(folder / 'nginx.log').read_text()}")

    def metric(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.direct, timeout=10)
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {self.op.key}"})
        text = connection.getresponse().read().decode()
        connection.close()
        return int(re.search(rf"^{name} (\d+)$", text, re.M)[1])

    def settles_at(self, in_flight):
        """An answer is in flight until the server knows that it is away, which whoever has read it may be ahead of."""
        wait_until(f"{in_flight} are in flight", 30, lambda: self.metric("berth_http_in_flight") == in_flight, 0.1)

    def test_requests_come_through_tls(self):
        context = ssl.create_default_context(cafile=self.world.dir / "fullchain.pem")
        with socket.create_connection(("127.0.0.1", self.tls), timeout=10) as raw, \
                context.wrap_socket(raw, server_hostname="berth.example") as connection:
            connection.sendall(f"GET //api/v0/users/current HTTP/1.1\r\nHost: berth.example\r\n"
                               f"Authorization: Bearer {self.ada.key}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while block := connection.recv(65536):
                answer += block
        head, body = answer.split(b"\r\n\r\n", 1)
        self.assertIn(b" 200 ", head.split(b"\r\n")[0])
        self.assertIn(b"\r\nContent-Type: application/json\r\n", head)
        self.assertEqual(json.loads(body)["id"], self.ada.id)

    def test_spellings_of_a_path_come_through(self):
        for path in ("/api/v0/users/current", "/api/v0/users/current/", "//api/v0/users/current"):
            with self.subTest(path):
                self.assertEqual(self.ada.call("GET", path)[0], 200)

    def test_what_is_too_large_is_told_in_json_whoever_says_it(self):
        for size, want in ((1 << 20, 400), ((1 << 20) + 1, 413), (3 << 20, 413)):
            with self.subTest(size):
                body = b"{\"x\":\"" + b"y" * (size - 8) + b"\"}"
                status, reply = self.ada.call("PUT", "/api/v0/users/", raw=body)
                self.assertEqual(status, want)
                self.assertFalse(reply["success"])

    def test_metrics_stay_inside(self):
        self.assertEqual(self.op.call("GET", "/metrics")[0], 404)

    def test_events_come_as_they_happen(self):
        with self.world.socket() as connection:
            connection.sendall(f"GET /api/v0/events/ HTTP/1.1\r\nHost: h\r\n"
                               f"Authorization: Bearer {self.ada.key}\r\n\r\n".encode())
            connection.settimeout(5)
            answer = b""
            while b"event:" not in answer:
                answer += connection.recv(4096)
            self.assertIn(b"text/event-stream", answer)
            begun = time.monotonic()
            self.world.admin("credit", "grant", "--user", str(self.ada.id), "--amount", "1")
            while answer.count(b"event:") < 2:
                answer += connection.recv(4096)
            self.assertLess(time.monotonic() - begun, 3)

    def test_a_held_request_is_held_and_let_go(self):
        hal = self.world.user("hal")
        machine = hal.machine(gpus=1)
        machine.follow()
        hal.ok("PUT", "/api/v0/machines/create_asks/", {"machine": machine.id, "price_gpu": 0.36, "min_chunk": 1})
        machine.follow()
        found = {}

        def poll():
            headers = machine.headers("GET", f"/agent/v1/desired?after={machine.rev}", "poll", b"")
            found["status"], found["reply"] = self.world.call("GET", f"/agent/v1/desired?after={machine.rev}",
                                                              headers=headers)
            found["at"] = time.monotonic()

        waiter = threading.Thread(target=poll)
        waiter.start()
        time.sleep(1)
        self.assertEqual(found, {})
        rented = time.monotonic()
        offer = self.world.call("POST", "/api/v0/bundles/", {})[1]["offers"][0]["id"]
        self.ada.ok("PUT", f"/api/v0/asks/{offer}/", {"image": "ubuntu", "disk": 8, "runtype": "ssh"})
        waiter.join(10)
        self.assertEqual(found["status"], 200)
        self.assertLess(found["at"] - rented, 3)

        # A client that hangs up is noticed through the proxy, too.
        machine.follow()
        self.settles_at(1)  # the page that tells it is a request itself
        path = f"/agent/v1/desired?after={machine.rev + 100}"
        lines = "".join(f"{k}: {v}\r\n" for k, v in machine.headers("GET", path, "poll", b"").items())
        with self.world.socket() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode())
            self.settles_at(2)
        self.settles_at(1)

    def test_zz_a_server_that_is_away_is_told_in_json(self):
        self.world.server.terminate()
        self.world.server.wait(20)
        connection = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=10)
        connection.request("GET", "/api/v0/gpu_types/")
        reply = connection.getresponse()
        self.assertEqual(reply.status, 503)
        self.assertEqual(reply.getheader("Content-Type"), "application/json")
        self.assertEqual(json.loads(reply.read())["error"], "unavailable")
        connection.close()


if __name__ == "__main__":
    if find_nginx() is None:
        print("skipped: there is no nginx")
        sys.exit(SKIP)
    unittest.main()
