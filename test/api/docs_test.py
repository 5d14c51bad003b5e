#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is made from api/ is current, and a declaration with a hole in it makes nothing."""

import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import schema

GENERATOR = schema.ROOT / "tools/api_gen.py"


def generate(*words):
    return subprocess.run([sys.executable, "-B", GENERATOR, *words], capture_output=True, text=True,
                          check=False)


class Declarations(unittest.TestCase):
    def test_the_reference_is_current(self):
        done = generate("--api", schema.ROOT / "api", "--check", schema.ROOT / "docs/api.md")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_hole_stops_the_build(self):
        holes = {
            "no handler": lambda route: route.pop("handler"),
            "no summary": lambda route: route.pop("summary"),
            "no callers": lambda route: route.pop("callers"),
            "no reply": lambda route: route.pop("reply"),
            "no scope": lambda route: route.pop("scope"),
            "no row on whose objects": lambda route: route.pop("access"),
            "half a row": lambda route: route["access"].pop("foreign"),
            "an object nobody knows": lambda route: route["access"].update(object="yacht"),
            "a method nobody knows": lambda route: route.update(method="YELL"),
            "a caller nobody knows": lambda route: route.update(callers=["king"]),
            "an error nobody knows": lambda route: route.update(errors=["whoops"]),
            "a type nobody knows": lambda route: route.update(reply={"x": "yacht  A ship."}),
            "a member nobody knows": lambda route: route.update(colour="red"),
            "a member without words": lambda route: route.update(reply={"x": "string"}),
            "a parameter without a type": lambda route: route.update(params={}),
            "nobody's handler twice": lambda route: route.update(handler="handle_ssh_key_update"),
        }
        for name, make in holes.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                shutil.copytree(schema.ROOT / "api", folder, dirs_exist_ok=True)
                path = pathlib.Path(folder, "ssh.json")
                declared = json.loads(path.read_text())
                before = copy.deepcopy(declared)
                make(next(r for r in declared["routes"] if r["name"] == "api.ssh.delete"))
                self.assertNotEqual(before, declared)
                path.write_text(json.dumps(declared))
                done = generate("--api", folder, "--out", pathlib.Path(folder, "out"))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("api.ssh", done.stderr + "api.ssh" * ("?" in done.stderr))

    def test_a_name_that_is_there_twice_stops_the_build(self):
        twice = [
            # In which file what becomes what; how many lines further that is twice, and which name; None: none is.
            ("ssh.json", '"schemas": {', '"schemas": {\n"Pair": {\n"a": "integer  One.",\n"b?": "any  :\\"a\\": {",\n"a": "string  Two."\n},', 4, "a"),
            ("ssh.json", '"schemas": {', '"schemas": {\n"Pair": {"a?": "integer  One.",\n"a": "integer  One."},', 2, "a"),
            ("ssh.json", '"schemas": {', '"schemas": {"Pair": {"a": "any  X."},\n"Pair": {"b": "any  X."},', 1, "Pair"),
            ("ssh.json", '"routes": [', '"routes": [],\n"routes": [', 1, "routes"),
            ("errors.json", "{", '{"\\u006eever": [400, "No."],\n"never": [400, "No."],', 1, "never"),
            ("ssh.json", '"schemas": {', '"schemas": {"A": {"a": "any  X."}, "B": {"a": "any  [{\\"a\\":"},', 0, None),
        ]
        for file, what, instead, further, name in twice:
            with self.subTest(instead), tempfile.TemporaryDirectory() as folder:
                shutil.copytree(schema.ROOT / "api", folder, dirs_exist_ok=True)
                path = pathlib.Path(folder, file)
                before, _, after = path.read_text().partition(what)
                path.write_text(before + instead + after)
                done = generate("--api", folder, "--out", pathlib.Path(folder, "out"))
                self.assertEqual(done.returncode, 1 if name else 0, done.stderr)
                if name:
                    self.assertIn(f"api/{file}:{before.count(chr(10)) + 1 + further}: '{name}' is there already", done.stderr)

    def test_the_checker_sees_what_is_wrong(self):
        checker = schema.Checker()
        headers = {"content-type": "application/json"}
        good = {"gpu_types": [{"canonical_name": "A", "gpu_ram_mb": 1}]}
        path = "/api/v0/gpu_types/"
        self.assertEqual(checker.check("GET", path, 200, headers, json.dumps(good).encode()), good)
        error = {"success": False, "error": "not_found", "msg": "No."}
        rows = [
            (200, {}), (200, {"gpu_types": [{}]}), (200, {"gpu_types": {}}), (200, good | {"x": 1}),
            (200, {"gpu_types": [{"canonical_name": "A", "gpu_ram_mb": "1"}]}),
            (200, {"gpu_types": [{"canonical_name": None, "gpu_ram_mb": 1}]}), (201, good),
            (404, good), (400, error), (404, error | {"msg": ""}), (404, error | {"error": "x"}),
            (404, error | {"more": 1}), (404, error | {"error": "no_such_instance"}),
        ]
        for status, body in rows:
            with self.subTest(body), self.assertRaises(schema.SchemaError):
                checker.check("GET", path, status, headers, json.dumps(body).encode())
        with self.assertRaises(schema.SchemaError):
            wrong = {"content-type": "application/json; charset=utf-8"}
            checker.check("GET", path, 200, wrong, json.dumps(good).encode())


if __name__ == "__main__":
    unittest.main()
