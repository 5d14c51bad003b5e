# SPDX-License-Identifier: Apache-2.0
"""The HTTP API as api/*.json declares it: loaded, checked, and ready to generate from.

A file holds one resource: its schemas and its routes. A schema or an object in a route is a
dictionary of members; each member is a type and, two spaces on, a sentence:

    "label?": "string|null  What its renter calls it."

A question mark after the name: may be missing. Types are those of TypeScript, with `integer`
beside `number`: unions by |, arrays by [], 'literals', names of schemas, Partial<Name>,
Record<Type> (any names), any. A reply has exactly the members declared; a request may have more.

Whatever is missing or unknown is an error here, so that the build stops: a route without a
handler, a reply, callers, a scope, or a row on whose objects it may touch does not exist.
"""

import json
import pathlib
import re

METHODS = ("GET", "POST", "PUT", "DELETE")
CALLERS = ("anyone", "user", "instance", "admin", "agent")
SCOPES = ("instance_read", "instance_write", "user_read", "user_write", "billing_read",
          "billing_write", "machine_read", "machine_write", "misc", "team_read", "team_write")
RATES = ("read", "write", "search", "secret", "agent", "none")
PARAMS = ("id", "user", "text")
OBJECTS = ("instance", "offer", "machine", "ssh_key", "api_key", "order", "session", "tfa_method",
           "scheduled_job", "team", "team_member", "team_role", "volume", "volume_offer", "webhook", "deposit",
           "card", "connection")
ROUTE_MEMBERS = {"name", "method", "path", "handler", "summary", "callers", "scope", "rate",
                 "blocking", "params", "query", "request", "reply", "content", "errors",
                 "access", "example", "proof", "step"}
SIMPLE = ("integer", "number", "string", "boolean", "null", "any")
# Which errors any route may answer, by what stands before its handler.
ALWAYS = ("bad_request", "csrf_failed", "internal_error", "unavailable", "rate_limit_exceeded", "too_large",
          "request_timeout", "timeout")


class ApiError(Exception):
    """What is wrong with the declaration, and where."""


def fail(where, what):
    raise ApiError(f"{where}: {what}")


def read(path):
    """What a file says. A name that an object has twice, be it with and without a question mark, is an error: of two members JSON
    takes the last, and says nothing."""
    text = path.read_text()
    try:
        declared = json.loads(text)
    except ValueError as problem:
        fail(path.name, problem)
    opened = []  # of each object and array that is open here: in which line each name stands
    for token in re.finditer(r'("(?:\\.|[^"\\])*")(\s*:)?|[{}\[\]]', text):
        if token[0] in "{[":
            opened.append({})
        elif token[0] in "}]":
            opened.pop()
        elif token[2]:
            name = json.loads(token[1]).rstrip("?")
            line = text.count("\n", 0, token.start()) + 1
            if name in opened[-1]:
                fail(f"{path.name}:{line}", f"'{name}' is there already, in line {opened[-1][name]}")
            opened[-1][name] = line
    return declared


def parse_type(text, names, where):
    """A type as a tree: ("simple", name), ("literal", text), ("name", name), ("partial", name),
    ("array", type), ("record", type), ("union", [type])."""
    parts = []
    depth = 0
    current = ""
    for char in text:
        depth += {"<": 1, ">": -1}.get(char, 0)
        if char == "|" and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    parts.append(current)
    types = [parse_one(part, names, where) for part in parts]
    return types[0] if len(types) == 1 else ("union", types)


def parse_one(text, names, where):
    if text.endswith("[]"):
        return ("array", parse_one(text[:-2], names, where))
    if match := re.fullmatch(r"Record<(.+)>", text):
        return ("record", parse_type(match[1], names, where))
    if match := re.fullmatch(r"Partial<(\w+)>", text):
        if match[1] not in names:
            fail(where, f"no schema is called {match[1]}")
        return ("partial", match[1])
    if match := re.fullmatch(r"'([^']*)'", text):
        return ("literal", match[1])
    if text in ("true", "false"):
        return ("boolean", text == "true")
    if text in SIMPLE:
        return ("simple", text)
    if text in names:
        return ("name", text)
    return fail(where, f"'{text}' is no type")


class Member:
    """One member of an object: name, type tree, sentence, and whether it may be missing."""

    def __init__(self, name, text, names, where):
        self.is_optional = name.endswith("?")
        self.name = name.rstrip("?")
        spelling, _, self.text = text.partition("  ")
        where = f"{where}.{self.name}"
        if not self.text:
            fail(where, "needs a type, two spaces and a sentence")
        self.type = parse_type(spelling, names, where)


class Shape:
    """What a request or a reply is: members of an object, or one type."""

    def __init__(self, declared, names, where):
        self.members = None
        self.type = None
        if isinstance(declared, dict):
            self.members = [Member(k, v, names, where) for k, v in declared.items()]
        elif isinstance(declared, str):
            member = Member("body", declared, names, where)
            self.type, self.text = member.type, member.text
        else:
            fail(where, "must be an object of members, or a type")


class Route:
    def statuses_of(self, code, errors):
        """Those that the route may answer that code with: its own, beside the usual one."""
        return {errors[code][0], self.statuses.get(code, errors[code][0])}

    def __init__(self, declared, names, errors, where):
        self.where = where = f"{where}: {declared.get('name', '?')}"
        for unknown in set(declared) - ROUTE_MEMBERS:
            fail(where, f"nobody knows what '{unknown}' is")
        for member in ("name", "method", "path", "handler", "summary", "callers", "rate"):
            if not declared.get(member):
                fail(where, f"needs '{member}'")
        self.name = declared["name"]
        self.method = declared["method"]
        self.path = declared["path"].rstrip("/") or "/"
        self.shown_path = declared["path"]
        self.handler = declared["handler"]
        self.summary = declared["summary"]
        self.callers = declared["callers"]
        self.scope = declared.get("scope")
        self.rate = declared["rate"]
        # True: on a worker. "remote": only where the database is another process; else it takes microseconds.
        self.blocking = declared.get("blocking", False)
        self.params = declared.get("params", {})
        self.access = declared.get("access")
        self.proof = declared.get("proof")
        # True: an account with a second factor must have shown it lately.
        self.needs_step = declared.get("step", False)
        self.example = declared.get("example")
        # "410 code" where the route answers a code with another status than api/errors.json has.
        rows = [(row.split(" ")[-1], row.split(" ")[:-1]) for row in declared.get("errors", [])]
        self.errors = [code for code, _ in rows]
        self.statuses = {code: int(before[0]) for code, before in rows if before}
        self.content = declared.get("content", "application/json")
        self.check_words(errors)
        self.query = [Member(k, v, names, where) for k, v in declared.get("query", {}).items()]
        self.request = self.shape(declared, "request", names)
        self.reply = self.shape(declared, "reply", names)
        self.check_whole()

    def shape(self, declared, member, names):
        if member not in declared:
            return None
        return Shape(declared[member], names, f"{self.where}.{member}")

    def check_words(self, errors):
        def one_of(what, value, allowed):
            if value not in allowed:
                fail(self.where, f"{what} '{value}' is none of {', '.join(allowed)}")

        one_of("method", self.method, METHODS)
        one_of("rate", self.rate, RATES)
        one_of("step", self.needs_step, (False, True))
        one_of("blocking", self.blocking, (False, "remote", True))
        for caller in self.callers:
            one_of("caller", caller, CALLERS)
        if self.scope is not None:
            one_of("scope", self.scope, SCOPES)
        for code in self.errors:
            one_of("error", code, errors)
        for status in self.statuses.values():
            one_of("status of an error", status, range(400, 600))
        for kind in self.params.values():
            one_of("parameter type", kind, PARAMS)
        if not re.fullmatch(r"(/[a-z0-9_.{}-]+)+/?", self.shown_path):
            fail(self.where, f"'{self.shown_path}' is no path")
        if re.findall(r"{(\w+)}", self.path) != list(self.params):
            fail(self.where, "'params' must name what is in the path, in its order")
        if not re.fullmatch(r"handle_[a-z_]+", self.handler):
            fail(self.where, f"'{self.handler}' is no name for a handler")

    def check_whole(self):
        if self.reply is None and self.content == "application/json":
            fail(self.where, "needs a reply, or another content")
        if self.reply is not None and self.content != "application/json":
            fail(self.where, "has a JSON reply and another content")
        needs_scope = {"user", "instance", "admin"} & set(self.callers)
        if needs_scope and self.scope is None:
            fail(self.where, "needs a scope, since keys have them")
        if "anyone" in self.callers and len(self.callers) > 1:
            fail(self.where, "'anyone' stands alone")
        if "anyone" in self.callers and self.params and not self.proof:
            fail(self.where, "is open to anyone and names a thing: say by what 'proof'")
        has_id = "id" in self.params.values() and "user" in self.callers
        if has_id and self.access is None:
            fail(self.where, "names an object: an 'access' row says whose it may be")
        if self.access is not None:
            self.check_access()
        needs_body = self.request is not None and self.request.members is not None and any(
            not member.is_optional for member in self.request.members)
        if needs_body and "user" in self.callers and self.example is None:
            fail(self.where, "has members that must be given: needs an 'example'")

    def check_access(self):
        for unknown in set(self.access) - {"object", "in", "own", "foreign", "missing"}:
            fail(self.where, f"access: nobody knows what '{unknown}' is")
        if self.access.get("object") not in OBJECTS:
            fail(self.where, f"access: the object is one of {', '.join(OBJECTS)}")
        for needed in ("own", "foreign"):
            if needed not in self.access:
                fail(self.where, f"access: needs '{needed}'")

    @property
    def typescript_name(self):
        words = re.split(r"[._]", self.name.removeprefix("api."))
        return "".join(word.capitalize() for word in words)


class Api:
    """All of it: schemas by name (lists of Members), routes in order, errors by code."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.errors = read(folder / "errors.json")
        self.resources = []
        self.schemas = {}
        self.schema_home = {}
        files = [path for path in sorted(folder.glob("*.json")) if path.name != "errors.json"]
        loaded = [(path, self.load(path)) for path in files]
        names = {}
        for path, declared in loaded:
            for name in declared["schemas"]:
                if name in names:
                    fail(path.name, f"schema {name} is in {names[name]} already")
                names[name] = path.name
        for path, declared in loaded:
            for name, members in declared["schemas"].items():
                where = f"{path.name}: {name}"
                self.schemas[name] = [Member(k, v, names, where) for k, v in members.items()]
                self.schema_home[name] = declared["resource"]
        self.routes = []
        for path, declared in loaded:
            routes = [Route(row, names, self.errors, path.name) for row in declared["routes"]]
            self.resources.append((declared["resource"], declared["summary"], routes))
            self.routes += routes
        self.check_unique()

    @staticmethod
    def load(path):
        declared = read(path)
        if set(declared) != {"resource", "summary", "schemas", "routes"}:
            fail(path.name, "has resource, summary, schemas and routes, and nothing else")
        return declared

    def check_unique(self):
        for what, of in (("name", lambda r: r.name), ("handler", lambda r: r.handler),
                         ("address", lambda r: (r.method, re.sub(r"{\w+}", "{}", r.path)))):
            seen = {}
            for route in self.routes:
                if of(route) in seen:
                    fail(route.where, f"the {what} is taken by {seen[of(route)]}")
                seen[of(route)] = route.name
