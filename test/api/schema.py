# SPDX-License-Identifier: Apache-2.0
"""Holds every reply that a test sees against what api/*.json declares.

A reply must have the members that its route declares, of the types declared, and no others; an
error must be one that the route may answer, with that error's status. A reply that fails raises
SchemaError, which no test catches.
"""

import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import api_model  # noqa: E402


class SchemaError(Exception):
    """Which reply is not what api/ says, and where in it."""


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


SIMPLE = {
    "any": lambda value: True,
    "null": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": is_number,
    "integer": lambda value: is_number(value) and value == int(value),
}


class Checker:
    def __init__(self):
        self.api = api_model.Api(ROOT / "api")
        self.seen = {}
        self.patterns = []
        for route in self.api.routes:
            pattern = re.sub(r"{\w+}", "[^/]+", route.path)
            literal = "{" not in route.path
            self.patterns.append((not literal, route, re.compile(pattern + "/?")))
        self.patterns.sort(key=lambda row: row[0])

    def route(self, method, path):
        path = "/" + path.split("?")[0].strip("/")
        for _, route, pattern in self.patterns:
            if route.method == method and pattern.fullmatch(path):
                return route
        return None

    def check(self, method, path, status, headers, body):
        """The parsed reply."""
        where = f"{method} {path}: {status}"
        route = self.route(method, path)
        if status >= 400:
            return self.check_error(where, route, status, headers, body)
        if route is None:
            raise SchemaError(f"{where}: no route is declared there")
        self.seen[route.name] = self.seen.get(route.name, 0) + 1
        if status == 204 and "agent" in route.callers:
            return None
        if status != 200:
            raise SchemaError(f"{where}: success is 200")
        if headers.get("content-type") != route.content:
            raise SchemaError(f"{where}: the type is {headers.get('content-type')}")
        if route.reply is None:
            return body.decode("utf-8")
        reply = json.loads(body)
        self.check_shape(where, route.reply, reply)
        return reply

    def check_error(self, where, route, status, headers, body):
        if headers.get("content-type") != "application/json":
            raise SchemaError(f"{where}: an error is JSON, not {headers.get('content-type')}")
        reply = json.loads(body)
        if set(reply) - {"ask_id", "scheduled_job_id"} != {"success", "error", "msg"} or reply["success"] is not False:
            raise SchemaError(f"{where}: {reply} is not the shape of an error")
        if not isinstance(reply["msg"], str) or not reply["msg"]:
            raise SchemaError(f"{where}: an error needs a sentence")
        code = reply["error"]
        if code not in self.api.errors:
            raise SchemaError(f"{where}: nobody declares the error {code}")
        usual = {self.api.errors[code][0]}
        if status not in (route.statuses_of(code, self.api.errors) if route else usual):
            raise SchemaError(f"{where}: {code} is {self.api.errors[code][0]}")
        allowed = {"not_found", "method_not_allowed", *api_model.ALWAYS}
        if route is not None:
            allowed |= {"auth_error", "not_authorized", "invalid_request", *route.errors}
        if code not in allowed:
            raise SchemaError(f"{where}: the route does not declare {code}: {reply['msg']}")
        return reply

    def check_shape(self, where, shape, value):
        if shape.members is not None:
            self.check_members(where, shape.members, value, False)
        else:
            self.check_type(where, shape.type, value)

    def check_members(self, where, members, value, is_partial):
        if not isinstance(value, dict):
            raise SchemaError(f"{where}: {value!r:.80} is not an object")
        by_name = {member.name: member for member in members}
        for unknown in set(value) - set(by_name):
            # A selection of columns answers null for a name that does not exist.
            if is_partial and value[unknown] is None:
                continue
            raise SchemaError(f"{where}: nobody declares the member {unknown}")
        for name, member in by_name.items():
            if name in value:
                self.check_type(f"{where}: {name}", member.type, value[name])
            elif not member.is_optional and not is_partial:
                raise SchemaError(f"{where}: {name} is missing")

    def check_type(self, where, tree, value):
        kind, of = tree
        if kind == "union":
            for option in of:
                try:
                    return self.check_type(where, option, value)
                except SchemaError:
                    continue
            raise SchemaError(f"{where}: {value!r:.80} is of none of the types declared")
        if kind == "array":
            if not isinstance(value, list):
                raise SchemaError(f"{where}: {value!r:.80} is not an array")
            for index, item in enumerate(value):
                self.check_type(f"{where}[{index}]", of, item)
            return None
        if kind == "record":
            if not isinstance(value, dict):
                raise SchemaError(f"{where}: {value!r:.80} is not an object")
            for name, item in value.items():
                self.check_type(f"{where}.{name}", of, item)
            return None
        if kind in ("name", "partial"):
            return self.check_members(where, self.api.schemas[of], value, kind == "partial")
        good = SIMPLE[of](value) if kind == "simple" else value == of and type(value) is type(of)
        if not good:
            raise SchemaError(f"{where}: {value!r:.80} is not {of}")
        return None
