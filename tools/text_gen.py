#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A text file as lines of a C string: text_gen.py INPUT OUTPUT."""

import pathlib
import sys


def main(source, target):
    lines = pathlib.Path(source).read_text(encoding="ascii").splitlines()
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    pathlib.Path(target).write_text("".join(f'"{line}\\n"\n' for line in escaped), encoding="ascii")


main(*sys.argv[1:])
