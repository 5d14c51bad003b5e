#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the schema files into the items of a C array: embed.py OUT NNNN_name.sql...

The files must be numbered 0001, 0002, ... without a gap: a number that is missing, or there
twice, is a merge that went wrong.
"""

import pathlib
import re
import sys


def literal(text):
    """The text as C string literals, a line each."""
    escapes = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "?": "\\?"}
    for line in text.splitlines():
        yield '"' + "".join(escapes.get(c, c) for c in line) + '\\n"'


def main(out, *paths):
    items = []
    for number, path in enumerate(sorted(map(pathlib.Path, paths)), 1):
        named = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if not named or int(named[1]) != number:
            sys.exit(f"{path}: expected {number:04d}_name.sql")
        text = "\n".join(literal(path.read_text(encoding="ascii")))
        items.append(f'{{ {number}, "{named[2]}",\n{text} }},\n')
    pathlib.Path(out).write_text("".join(items), encoding="ascii")


main(*sys.argv[1:])
