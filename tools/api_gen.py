#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what follows from api/*.json.

    api_gen.py --api DIR --out DIR     handlers.h, routes_table.c, openapi.c, openapi.json, api.ts
    api_gen.py --api DIR --docs FILE   the reference in Markdown
    api_gen.py --api DIR --check FILE  exit 1 if that reference is not current

Files are written only where they change, so that nothing is rebuilt without need.
"""

import argparse
import json
import pathlib
import sys

sys.dont_write_bytecode = True

import api_docs
import api_model

NOTICE = "Made by tools/api_gen.py from the files in api/. Edit those."


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def in_order_of_matching(routes):
    """Rows with a literal where others have a parameter come first."""
    return sorted(routes, key=lambda route: [("{" in segment, segment)
                                             for segment in route.path.split("/")])


def handlers_h(api):
    lines = ["/* SPDX-License-Identifier: Apache-2.0 */",
             f"/* {NOTICE} */",
             "#ifndef BERTH_SERVER_HANDLERS_H", "#define BERTH_SERVER_HANDLERS_H", "",
             '#include "server/routes.h"', ""]
    for route in api.routes:
        lines.append(f"route_handler {route.handler}; /* {route.method} {route.shown_path} */")
    lines += ["", "#endif", ""]
    return "\n".join(lines)


BLOCKS = {False: "BLOCKS_NEVER", "remote": "BLOCKS_REMOTE", True: "BLOCKS"}


def route_row(route):
    callers = " | ".join(f"CALLER_{caller.upper()}" for caller in route.callers)
    params = ", ".join(f"PARAM_{kind.upper()}" for kind in route.params.values())
    return "\n".join([
        "    {",
        f"        .method = HTTP_{route.method},",
        f'        .name = "{route.name}",',
        f'        .pattern = "{route.path}",',
        f"        .param_count = {len(route.params)},",
        *([f"        .params = {{ {params} }},"] if params else []),
        f"        .callers = {callers},",
        f"        .scope = SCOPE_{(route.scope or 'none').upper()},",
        f"        .rate = RATE_{route.rate.upper()},",
        f"        .blocks = {BLOCKS[route.blocking]},",
        *(["        .needs_step = true,"] if route.needs_step else []),
        f"        .handler = {route.handler},",
        "    },"])


def routes_table_c(api):
    rows = [route_row(route) for route in in_order_of_matching(api.routes)]
    return "\n".join(["/* SPDX-License-Identifier: Apache-2.0 */",
                      f"/* {NOTICE} */",
                      '#include "server/handlers.h"', "",
                      "const struct route route_table[] = {", *rows, "};", "",
                      "const size_t route_count = sizeof route_table / sizeof route_table[0];",
                      ""])


def type_schema(tree):
    kind, value = tree
    if kind == "simple":
        return {} if value == "any" else {"type": value}
    if kind == "literal":
        return {"type": "string", "const": value}
    if kind == "boolean":
        return {"type": "boolean", "const": value}
    if kind in ("name", "partial"):
        suffix = "Partial" if kind == "partial" else ""
        return {"$ref": f"#/components/schemas/{value}{suffix}"}
    if kind == "array":
        return {"type": "array", "items": type_schema(value)}
    if kind == "record":
        return {"type": "object", "additionalProperties": type_schema(value)}
    if all(option[0] == "simple" and option[1] != "any" for option in value):
        return {"type": [option[1] for option in value]}
    return {"anyOf": [type_schema(option) for option in value]}


def members_schema(members, is_open=False, is_partial=False):
    properties = {}
    for member in members:
        properties[member.name] = {**type_schema(member.type), "description": member.text}
    required = [m.name for m in members if not m.is_optional]
    schema = {"type": "object", "properties": properties}
    if required and not is_partial:
        schema["required"] = required
    if not is_open:
        schema["additionalProperties"] = False
    return schema


def shape_schema(shape, is_open):
    if shape.members is not None:
        return members_schema(shape.members, is_open)
    return type_schema(shape.type)


def operation(api, route):
    parameters = [{"name": name, "in": "path", "required": True,
                   "schema": {"type": "integer"} if kind == "id" else {"type": "string"}}
                  for name, kind in route.params.items()]
    parameters += [{"name": member.name, "in": "query", "required": not member.is_optional,
                    "description": member.text, "schema": type_schema(member.type)}
                   for member in route.query]
    schema = shape_schema(route.reply, False) if route.reply else {"type": "string"}
    media = route.content.split(";")[0]
    result = {"operationId": route.name, "summary": route.summary, "parameters": parameters,
              "responses": {"200": {"description": "Done.",
                                    "content": {media: {"schema": schema}}}}}
    if route.request:
        result["requestBody"] = {"content": {"application/json": {
            "schema": shape_schema(route.request, True)}}}
    by_status = {}
    for code in route.errors:
        for status in route.statuses_of(code, api.errors):
            by_status.setdefault(str(status), []).append(code)
    for status, codes in sorted(by_status.items()):
        result["responses"][status] = {
            "description": ", ".join(codes),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    if "agent" in route.callers:
        result["security"] = [{"agent": []}]
    elif "anyone" in route.callers:
        result["security"] = []
    if route.scope:
        result["x-scope"] = route.scope
    return result


def openapi(api):
    paths = {}
    for resource, _, routes in api.resources:
        for route in routes:
            entry = operation(api, route)
            entry["tags"] = [resource]
            paths.setdefault(route.shown_path, {})[route.method.lower()] = entry
    schemas = {}
    for name, members in api.schemas.items():
        schemas[name] = members_schema(members)
        schemas[name + "Partial"] = members_schema(members, is_partial=True)
    used = json.dumps(paths)
    schemas = {name: schema for name, schema in schemas.items()
               if not name.endswith("Partial") or f"/{name}\"" in used}
    return {"openapi": "3.1.0",
            "info": {"title": "Berth", "version": "0",
                     "description": "A GPU rental marketplace.",
                     "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
            "servers": [{"url": "/"}],
            "security": [{"key": []}, {"key_in_query": []}],
            "tags": [{"name": name, "description": text} for name, text, _ in api.resources],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "key": {"type": "http", "scheme": "bearer"},
                    "key_in_query": {"type": "apiKey", "in": "query", "name": "api_key"},
                    "agent": {"type": "apiKey", "in": "header", "name": "Berth-Signature"}}}}


def openapi_c(text):
    """As string literals of a size that every compiler takes, one array of them all."""
    pieces = []
    for start in range(0, len(text), 90):
        piece = text[start:start + 90].replace("\\", "\\\\").replace('"', '\\"')
        pieces.append(f'    "{piece}"')
    return "\n".join(["/* SPDX-License-Identifier: Apache-2.0 */",
                      f"/* {NOTICE} */",
                      '#include "server/routes.h"', "",
                      "const char openapi_text[] =", *pieces, ";", "",
                      "const size_t openapi_length = sizeof openapi_text - 1;", ""])


def type_ts(tree):
    kind, value = tree
    if kind == "simple":
        return {"integer": "number", "any": "unknown"}.get(value, value)
    if kind == "literal":
        return f"'{value}'"
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "name":
        return value
    if kind == "partial":
        return f"Partial<{value}>"
    if kind == "array":
        inner = type_ts(value)
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kind == "record":
        return f"Record<string, {type_ts(value)}>"
    return " | ".join(dict.fromkeys(type_ts(option) for option in value))


def interface_ts(name, members, text=None):
    lines = [f"/** {text} */"] if text else []
    lines.append(f"export interface {name} {{")
    for member in members:
        mark = "?" if member.is_optional else ""
        lines.append(f"  /** {member.text} */")
        lines.append(f"  {member.name}{mark}: {type_ts(member.type)};")
    return lines + ["}", ""]


def shape_ts(name, shape, text):
    if shape.members is not None:
        return interface_ts(name, shape.members, text)
    return [f"/** {text} */", f"export type {name} = {type_ts(shape.type)};", ""]


def api_ts(api):
    lines = ["// SPDX-License-Identifier: Apache-2.0", f"// {NOTICE}", ""]
    for name, members in api.schemas.items():
        lines += interface_ts(name, members)
    rows = []
    for route in api.routes:
        name = route.typescript_name
        address = f"{route.method} {route.shown_path}"
        request, reply = "undefined", "string"
        if route.request:
            request = f"{name}Request"
            lines += shape_ts(request, route.request, f"{address}: what it takes.")
        if route.reply:
            reply = f"{name}Reply"
            lines += shape_ts(reply, route.reply, f"{address}: what it answers.")
        rows.append(f"  /** {route.summary} */")
        rows.append(f"  '{address}': {{ request: {request}; reply: {reply} }};")
    lines += ["/** Every route, by method and path. */", "export interface Routes {", *rows, "}",
              "", "/** Every code that an error may carry. */", "export type ErrorCode ="]
    lines += [f"  | '{code}'" for code in api.errors]
    return "\n".join(lines) + ";\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--api", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--docs", type=pathlib.Path)
    parser.add_argument("--check", type=pathlib.Path)
    options = parser.parse_args()
    try:
        api = api_model.Api(options.api)
    except api_model.ApiError as problem:
        print(f"api/{problem}", file=sys.stderr)
        return 1
    if options.out:
        text = json.dumps(openapi(api), separators=(",", ":"))
        write(options.out / "server/handlers.h", handlers_h(api))
        write(options.out / "server/routes_table.c", routes_table_c(api))
        write(options.out / "server/openapi.c", openapi_c(text))
        write(options.out / "openapi.json", text + "\n")
        write(options.out / "api.ts", api_ts(api))
    if options.docs:
        write(options.docs, api_docs.markdown(api))
    if options.check and options.check.read_text() != api_docs.markdown(api):
        print(f"{options.check} is not current: run tools/api_gen.py --api api --docs "
              f"{options.check}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
