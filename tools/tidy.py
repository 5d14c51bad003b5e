#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a compiler cannot: that the tree still has the shape it claims to have.

Prints FILE:LINE: what is wrong, one line each, and exits 1 if there is any.
"""

import pathlib
import re
import sys

# What each folder of src/ may include. Arrows point one way: nothing points up.
LAYERS = {
    "base": {"base"},
    "market": {"base", "market"},
    "proto": {"base", "market", "proto"},
    "sys": {"base", "sys"},
    "store": {"base", "market", "sys", "store"},
    "flow": {"base", "market", "proto", "sys", "store", "flow"},
    "server": {"base", "market", "proto", "sys", "store", "flow", "server"},
    "agent": {"base", "market", "proto", "sys", "guest", "agent"},
    "cli": {"base", "proto", "sys", "cli"},
    # The helper inside renters' containers stands alone: it links libc and nothing else.
    "guest": {"guest"},
}

# Pure folders compute and do nothing else: these are all they need of the system.
VALUES = {"assert", "inttypes", "limits", "stdbool", "stddef", "stdint", "string"}
PURE = {
    "base": VALUES | {"errno", "stdarg", "stdio", "stdlib", "jansson", "math", "float"},
    "market": VALUES | {"stdlib", "stdio", "math"},
    "proto": VALUES | {"stdlib", "stdio", "jansson"},
}

# Calls with a sharp edge, and what to use in their place.
BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf)\s*\(": "snprintf(), and check the length",
    r"\b(strncpy|strncat|strtok|gets)\s*\(": "base/parse.h or memcpy()",
    r"\b(atoi|atol|strtol|strtoul|strtod|sscanf)\s*\(": "base/parse.h",
    r"\b(localtime|gmtime|ctime|asctime|time)\s*\(": "a clock that is passed in",
    r"\b(system|popen)\s*\(": "sys/child.h: no shell ever sees foreign data",
    r"\b(FIXME|XXX|TODO)\b": "an issue, or a fix before it lands",
}
FLOAT = r"\b(float|double)\b"
# Scores and measurements may be doubles (design: money never is).
FLOAT_ALLOWED = re.compile(
    r"^src/(base/(encode|json)|market/(dlperf|predictor|run_list|peers|reliability|identity|timing|rank|proof|verify|catalog|query|offer|explain)"
    r"|server/|agent/|cli/)")

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
TESTED = {"base", "market", "proto", "flow", "store"}
SOURCES = ("src", "test", "bench")


def strip(line):
    """The line without comments and texts, which may say what they like."""
    return re.sub(r"/\*.*|\"(\\.|[^\"\\])*\"|^\s*\*.*|//.*", "", line)


def include_problems(layer, number, line):
    ours = re.match(r'#\s*include "(\w+)/', line)
    if ours and ours[1] in LAYERS and ours[1] not in LAYERS.get(layer, ()):
        yield number, f"src/{layer} must not include {ours[1]}/"
    theirs = re.match(r"#\s*include <([\w/]+)\.h>", line)
    if theirs and layer in PURE and theirs[1] not in PURE[layer]:
        yield number, f"src/{layer} is pure, and <{theirs[1]}.h> is not"
    if layer != "store" and theirs and theirs[1] in ("sqlite3", "libpq-fe"):
        yield number, "only src/store/ speaks to a database"


def problems(path):
    in_src = path.parts[0] == "src"
    layer = path.parts[1]
    lines = path.read_text().splitlines()
    opened = 0
    if not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
        yield 1, "the first line must be the SPDX line"
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f"over {FILE_LINES_MAX} lines: two ideas in one file"
    for number, line in enumerate(lines, 1):
        code = strip(line)
        if in_src:
            yield from include_problems(layer, number, line)
            for pattern, instead in BANNED.items():
                if found := re.search(pattern, code):
                    yield number, f"'{found[0]}' is banned: use {instead}"
            if re.search(FLOAT, code) and not FLOAT_ALLOWED.match(str(path)):
                yield number, "no floating point here: nanodollars, thousandths, millionths"
        if line == "{":
            opened = number
        if line == "}" and opened:
            if number - opened + 1 > FUNCTION_LINES_MAX:
                yield opened, f"a function of over {FUNCTION_LINES_MAX} lines"
            opened = 0

    if in_src and path.suffix == ".c" and path.name != "main.c":
        # The prototypes of handlers are made from api/: server/handlers.h.
        is_declared = layer == "guest" or path.name.startswith("handle_")
        if not is_declared and not path.with_suffix(".h").exists():
            yield 1, "has no header of its own"
        test = pathlib.Path("test", *path.parts[1:]).with_name(path.stem + "_test.c")
        if layer in TESTED and not test.exists():
            yield 1, f"has no test: {test}"


def main():
    count = 0
    for folder in SOURCES:
        for path in sorted(pathlib.Path(folder).glob("*/*.[ch]")):
            for number, problem in problems(path):
                print(f"{path}:{number}: {problem}")
                count += 1
    return 1 if count else 0


sys.exit(main())
