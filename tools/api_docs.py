# SPDX-License-Identifier: Apache-2.0
"""The API reference in Markdown, from the model of api_model.py."""

import json

HEAD = """<!-- Made by tools/api_gen.py from the files in api/. Edit those. -->
# The HTTP API

Paths are relative to the server's address; a slash at the end of a path, and more than one in
front, make no difference. Bodies are JSON objects of at most 1 MiB; members that a route does not
know are ignored, and `null` means "not given". Replies are `application/json` with status 200,
errors are `{"success": false, "error": CODE, "msg": SENTENCE}`.

A key travels in `Authorization: Bearer KEY`, in `?api_key=KEY`, or as the member `api_key` of the
body; the first of these that is there counts. A key may call what its permissions name: the
*scope* below. What belongs to someone else is answered like what does not exist. A session that was
logged in to acts for a team of its owner's with the header `Berth-Team: ID`.

Money is dollars, times are Unix seconds in UTC. Too many requests are answered 429 with
`Retry-After` in seconds.
"""


def type_text(tree):
    kind, value = tree
    if kind == "literal":
        return f'"{value}"'
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "array":
        inner = type_text(value)
        return f"({inner})[]" if "or" in inner.split() else f"{inner}[]"
    if kind == "record":
        return f"{{name: {type_text(value)}}}"
    if kind == "partial":
        return f"part of {value}"
    if kind == "union":
        return " or ".join(type_text(option) for option in value)
    return value


def cell(text):
    return text.replace("|", "\\|")


def members_table(members):
    lines = ["| member | type | meaning |", "|---|---|---|"]
    for member in members:
        mark = " (optional)" if member.is_optional else ""
        lines.append(f"| `{member.name}`{mark} | {cell(type_text(member.type))} "
                     f"| {cell(member.text)} |")
    return lines + [""]


def shape_lines(title, shape):
    if shape.members is None:
        return [f"{title}: {type_text(shape.type)}. {shape.text}", ""]
    if not shape.members:
        return [f"{title}: `{{}}`", ""]
    return [f"{title}:", "", *members_table(shape.members)]


def who(route):
    if "anyone" in route.callers:
        return "anyone" + (f", by {route.proof}" if route.proof else "")
    names = {"user": "an account's key", "instance": "the instance's own key",
             "admin": "an operator's key", "agent": "a machine's signature"}
    text = " or ".join(names[caller] for caller in route.callers)
    return text + (f" with `{route.scope}`" if route.scope else "")


def route_lines(route, errors):
    lines = [f"### `{route.method} {route.shown_path}`", "", route.summary, "",
             f"Who: {who(route)}. Name: `{route.name}`.", ""]
    if route.query:
        lines += ["Query:", "", *members_table(route.query)]
    if route.request:
        lines += shape_lines("Request", route.request)
    if route.example is not None:
        lines += ["```json", json.dumps(route.example), "```", ""]
    if route.reply:
        lines += shape_lines("Reply", route.reply)
    else:
        lines += [f"Reply: `{route.content}`", ""]
    if route.errors:
        shown = ", ".join(f"{status} `{code}`" for code in route.errors
                          for status in sorted(route.statuses_of(code, errors)))
        lines += [f"Errors: {shown}.", ""]
    return lines


def markdown(api):
    lines = [HEAD]
    for resource, summary, routes in api.resources:
        lines += [f"## {resource}", "", summary, ""]
        for route in routes:
            lines += route_lines(route, api.errors)
        for name, members in api.schemas.items():
            if api.schema_home[name] == resource:
                lines += [f"### {name}", "", *members_table(members)]
    lines += ["## Errors", "", "| status | code | meaning |", "|---|---|---|"]
    for code, (status, text) in sorted(api.errors.items(), key=lambda row: (row[1][0], row[0])):
        lines.append(f"| {status} | `{code}` | {text} |")
    return "\n".join(lines) + "\n"
