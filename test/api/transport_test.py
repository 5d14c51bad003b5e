#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How requests travel: spellings of paths, places of keys, limits, malformed and slow requests."""

import concurrent.futures
import http.client
import json
import re
import time
import unittest

from world import World

HEAD = "Host: h\r\n"

# Appendix D of api.md.
GPU_NAMES = """
A10, A10g, A16, A30, A40, A100 PCIE, A100 SXM, A100 SXM4, A100X, A800 PCIE, B200, GH200 SXM, H100 PCIE, H100 SXM, H100 NVL,
H200, H200 NVL, L4, L40, L40S, Tesla K80, Tesla M40, Tesla P4, Tesla P40, Tesla P100, Tesla T4, Tesla V100, GTX 1050, GTX
1050 Ti, GTX 1060, GTX 1070, GTX 1070 Ti, GTX 1080, GTX 1080 Ti, GTX 1650, GTX 1650 S, GTX 1660, GTX 1660 S, GTX 1660 Ti,
GTX TITAN X, RTX 2060, RTX 2060S, RTX 2070, RTX 2070S, RTX 2080, RTX 2080S, RTX 2080 Ti, RTX 3050, RTX 3060, RTX 3060
laptop, RTX 3060 Ti, RTX 3070, RTX 3070 laptop, RTX 3070 Ti, RTX 3080, RTX 3080 Ti, RTX 3090, RTX 3090 Ti, RTX 4060, RTX
4060 Ti, RTX 4070, RTX 4070S, RTX 4070S Ti, RTX 4070 Ti, RTX 4080, RTX 4080S, RTX 4090, RTX 4090D, RTX 5060, RTX 5060 Ti,
RTX 5070, RTX 5070 Ti, RTX 5080, RTX 5090, Titan RTX, Titan V, Titan X, Titan Xp, Quadro P2000, Quadro P4000, Quadro P5000,
Quadro P6000, Quadro GP100, Quadro GV100, Q RTX 4000, Q RTX 5000, Q RTX 6000, Q RTX 8000, RTX A2000, RTX A4000, RTX A4500,
RTX A5000, RTX A6000, RTX 2000Ada, RTX 4000Ada, RTX 4500Ada, RTX 5000Ada, RTX 5880Ada, RTX 6000Ada, RTX PRO 4000, RTX PRO
4500, RTX PRO 5000, RTX PRO 6000, RTX PRO 6000 S, RTX PRO 6000 WS, RTX PRO 6000 Max-Q, CMP 50HX, CMP 170HX, P104-100,
P106-100, InstinctMI50, InstinctMI100, InstinctMI210, InstinctMI250X, PRO W6800, PRO W7800, PRO W7900, Radeon VII, RX 6800,
RX 6800 XT, RX 6900 XT, RX 7600, RX 7700 XT, RX 7800 XT, RX 7900 GRE, RX 7900 XT, RX 7900 XTX
"""


class Transport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="10.00")

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def raw(self, data, wait=3):
        """What comes for these bytes until the connection closes or `wait` seconds are over."""
        with self.world.socket() as connection:
            connection.sendall(data if isinstance(data, bytes) else data.encode())
            connection.settimeout(wait)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return answer

    def status_of(self, data):
        answer = self.raw(data)
        return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else 0

    def test_every_spelling_of_a_path_is_served_without_a_redirect(self):
        for path in ("/api/v0/gpu_names/unique/", "/api/v0/gpu_names/unique",
                     "//api/v0/gpu_names/unique/", "///api/v0/gpu_names/unique//"):
            with self.subTest(path):
                status, reply = self.world.call("GET", path)
                self.assertEqual(status, 200)
                self.assertIn("RTX 4090", reply["gpu_names"])

    def test_every_name_of_a_gpu_is_told(self):
        """`launch instance -g` takes no name that is not in this list, whatever is on offer."""
        names = self.world.call("GET", "/api/v0/gpu_names/unique/")[1]["gpu_names"]
        self.assertEqual([name for name in " ".join(GPU_NAMES.split()).split(", ") if name not in names], [])
        self.assertEqual(len(names), len({re.sub("[-_]", " ", name).lower() for name in names}))

    def test_every_declared_path_is_there_in_both_spellings(self):
        for route in self.world.checker.api.routes:
            path = re.sub(r"{\w+}", "1", route.path)
            for spelling in (path, path + "/"):
                with self.subTest(f"PATCH {spelling}"):
                    status, reply = self.world.call("PATCH", spelling)
                    self.assertEqual((status, reply["error"]), (405, "method_not_allowed"))

    def test_the_content_type_is_exact(self):
        answer = self.raw(f"GET /api/v0/gpu_types HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")
        self.assertIn(b"\r\nContent-Type: application/json\r\n", answer)

    def test_what_is_not_there_is_404_in_json(self):
        for path in ("/api/v0/none", "/api/v2/instances/", "/api/v0/instances/x/",
                     "/api/v0/instances/99999999999999999999/", "/agent/v1/none",
                     "/api/v0/instances/../users/current"):
            with self.subTest(path):
                status, reply = self.ada.call("GET", path)
                self.assertEqual((status, reply["error"]), (404, "not_found"))

    def test_a_405_names_the_methods(self):
        answer = self.raw(f"PATCH /api/v0/ssh/ HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")
        self.assertIn(b" 405 ", answer.split(b"\r\n")[0])
        self.assertIn(b"\r\nAllow: GET, POST\r\n", answer)

    def test_keys_are_found_in_their_three_places_in_order(self):
        good, bad = self.ada.key, "0" * 64
        path = "/api/v0/users/current"
        rows = [
            (path, good, None, 200), (path, bad, None, 401), (path, None, None, 401),
            (f"{path}?api_key={good}", None, None, 200), (f"{path}?api_key={bad}", None, None, 401),
            (f"{path}?api_key={bad}", good, None, 200), (f"{path}?api_key={good}", bad, None, 401),
            (path, None, {"api_key": good}, 200), (path, None, {"api_key": bad}, 401),
            (f"{path}?api_key={good}", None, {"api_key": bad}, 200),
            (f"{path}?owner=me", good, {"client_id": "me", "surprise": 1}, 200),
        ]
        for path, key, body, want in rows:
            with self.subTest(path=path, key=key, body=body):
                status, reply = self.world.call("GET", path, body, key=key)
                self.assertEqual(status, want)
                if want == 401:
                    self.assertEqual(reply["error"], "auth_error")

    def test_an_unknown_key_is_told_so_in_the_words_that_clients_know(self):
        _, reply = self.world.call("GET", "/api/v0/users/current", key="nobody")
        self.assertEqual(reply, {"success": False, "error": "auth_error", "msg": "Invalid user key"})

    def test_bodies_that_are_no_object_are_refused(self):
        for body in (b"[]", b"5", b"\"x\"", b"null", b"{", b"{} x", b"{\"a\":1,\"a\":2}", b"\xff",
                     b"{\"a\":\"\\u0000\"}", b"[" * 100 + b"]" * 100, b"NaN", b"{'a':1}"):
            with self.subTest(body):
                status, reply = self.ada.call("PUT", "/api/v0/users/", raw=body)
                self.assertEqual((status, reply["error"]), (400, "invalid_request"))

    def test_a_large_body_is_413_and_told_so(self):
        for size in (1 << 20, (1 << 20) + 1, 2 << 20, 12 << 20):
            with self.subTest(size):
                body = b"{\"x\":\"" + b"y" * (size - 8) + b"\"}"
                status, reply = self.ada.call("PUT", "/api/v0/users/", raw=body)
                if size <= 1 << 20:
                    self.assertEqual(status, 400)
                    self.assertNotEqual(reply["error"], "too_large")
                else:
                    self.assertEqual((status, reply["error"]), (413, "too_large"))

    def test_bodies_of_get_and_delete_do_not_put_the_connection_out_of_step(self):
        one = f"GET /api/v0/gpu_types/ HTTP/1.1\r\n{HEAD}Content-Length: 17\r\n\r\n" + '{"machine_id":77}'
        two = f"DELETE /api/v0/gpu_types/ HTTP/1.1\r\n{HEAD}Content-Length: 2\r\n\r\n{{}}"
        last = f"GET /healthz HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n"
        answer = self.raw(one + two + last)
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", answer), [b"200", b"405", b"200"])

    def test_ambiguous_requests_are_refused_and_the_connection_closed(self):
        rows = {
            "length and chunked": (f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 3\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "two lengths": f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "no host": "GET /healthz HTTP/1.1\r\n\r\n",
            "two hosts": "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "NUL": f"GET /healthz HTTP/1.1\r\n{HEAD}A: b\0c\r\n\r\n",
            "bare CR": f"GET /healthz HTTP/1.1\r\n{HEAD}A: b\rC: d\r\n\r\n",
            "bare LF": f"GET /healthz HTTP/1.1\r\n{HEAD}A: b\nC: d\r\n\r\n",
            "folded": f"GET /healthz HTTP/1.1\r\n{HEAD}A: b\r\n c\r\n\r\n",
            "name with a space": f"GET /healthz HTTP/1.1\r\n{HEAD}A b: c\r\n\r\n",
            "empty name": f"GET /healthz HTTP/1.1\r\n{HEAD}: c\r\n\r\n",
        }
        for name, request in rows.items():
            with self.subTest(name):
                begun = time.monotonic()
                answer = self.raw(request + f"GET /metrics HTTP/1.1\r\n{HEAD}\r\n")
                self.assertLess(time.monotonic() - begun, 2.5, "the connection stays open")
                self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d", answer)), 1)
                self.assertEqual(answer.split(b" ")[1], b"400")
                self.assertEqual(json.loads(answer.split(b"\r\n\r\n")[1])["error"], "bad_request")

    def test_what_is_refused_before_it_is_understood_is_json(self):
        rows = {
            "no request": ("hello\r\n\r\n", 400, "bad_request"),
            "no address": (f"GET\r\n{HEAD}\r\n", 400, "bad_request"),
            "a version to come": (f"GET / HTTP/3.0\r\n{HEAD}\r\n", 505, "bad_request"),
            "a length of words": (f"PUT / HTTP/1.1\r\n{HEAD}Content-Length: x\r\n\r\n", 400, "bad_request"),
            "a chunk of words": (f"PUT / HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
                                 "bad_request"),
            "a long address": (f"GET /{'x' * 90000} HTTP/1.1\r\n{HEAD}\r\n", 414, "too_large"),
            "a long head": (f"GET / HTTP/1.1\r\n{HEAD}A: {'x' * 90000}\r\n\r\n", 431, "too_large"),
            "many headers": (f"GET / HTTP/1.1\r\n{HEAD}" + "A: b\r\n" * 99 + "\r\n", 431, "too_large"),
        }
        for name, (request, status, code) in rows.items():
            with self.subTest(name):
                head, body = self.raw(request).split(b"\r\n\r\n", 1)
                self.assertEqual(int(head.split(b" ")[1]), status)
                self.assertIn(b"\r\nContent-Type: application/json\r\n", head)
                reply = json.loads(body)
                self.assertEqual((reply["success"], reply["error"]), (False, code))
                self.assertTrue(reply["msg"])

    def test_slow_clients_are_cut_off_in_the_time_for_a_request(self):
        rows = {
            "silent": ("", ""),
            "head by bytes": (f"GET /healthz HTTP/1.1\r\n{HEAD}", "A: bbbbbbbbbbbbbbbbbbbbbbbbbbb"),
            "body by bytes": (f"PUT /api/v0/users/ HTTP/1.1\r\n{HEAD}Content-Length: 900\r\n\r\n", " "),
            "body never sent": (f"PUT /api/v0/users/ HTTP/1.1\r\n{HEAD}Content-Length: 9\r\n\r\n", ""),
        }

        def drip(first, rest):
            begun = time.monotonic()
            with self.world.socket() as connection:
                connection.sendall(first.encode())
                connection.settimeout(0.5)
                for index in range(60):
                    try:
                        if rest:
                            connection.sendall(rest[index % len(rest)].encode())
                        if connection.recv(100) == b"":
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
            return time.monotonic() - begun

        with concurrent.futures.ThreadPoolExecutor() as pool:
            took = dict(zip(rows, pool.map(lambda row: drip(*row), rows.values())))
        for name, seconds in took.items():
            with self.subTest(name):
                self.assertTrue(8 < seconds < 14, f"{seconds:.1f} s")

    def test_the_openapi_document_names_every_route(self):
        _, document = self.world.call("GET", "/api/openapi.json")
        self.assertEqual(document["openapi"], "3.1.0")
        names = {operation["operationId"] for path in document["paths"].values()
                 for operation in path.values()}
        self.assertEqual(names, {route.name for route in self.world.checker.api.routes})
        self.check_references(document, document)

    def check_references(self, document, part):
        if isinstance(part, dict):
            if "$ref" in part:
                found = document
                for step in part["$ref"].removeprefix("#/").split("/"):
                    found = found[step]
            for value in part.values():
                self.check_references(document, value)
        elif isinstance(part, list):
            for value in part:
                self.check_references(document, value)

    def check_metrics(self, text):
        self.assertIn("berth_uptime_seconds", text)
        for line in text.splitlines():
            self.assertRegex(line, r"^(#.*|[a-z_]+(\{.*\})? [-+0-9.eEinfNa]+)$")

    def test_health_answers_anyone_and_metrics_operators(self):
        operator = self.world.user("operator", is_admin=True)
        self.assertEqual(self.world.call("GET", "/healthz")[0], 200)
        self.assertEqual(self.world.call("GET", "/metrics")[0], 401)
        self.assertEqual(self.ada.call("GET", "/metrics")[0], 403)
        status, text = operator.call("GET", "/metrics")
        self.assertEqual(status, 200)
        self.check_metrics(text)

    def test_metrics_may_have_a_door_of_their_own(self):
        with World("--metrics-listen", "127.0.0.1:0") as world:
            address = (world.dir / "log").read_text().split("metrics on http://")[1].split()[0]
            rows = (("GET", "/metrics", 200), ("GET", "/metrics/", 200), ("POST", "/metrics", 405),
                    ("GET", "/healthz", 404), ("GET", "/api/v0/gpu_types/", 404))
            for method, path, want in rows:
                with self.subTest(f"{method} {path}"):
                    connection = http.client.HTTPConnection(address, timeout=10)
                    connection.request(method, path)
                    reply = connection.getresponse()
                    text = reply.read().decode()
                    connection.close()
                    self.assertEqual(reply.status, want)
                    if want == 200:
                        self.check_metrics(text)
                    else:
                        self.assertFalse(json.loads(text)["success"])
            # The main door is shut to who has no key, as ever.
            self.assertEqual(world.call("GET", "/metrics")[0], 401)


if __name__ == "__main__":
    unittest.main()
