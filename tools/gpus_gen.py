#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns data/gpus.csv into the rows of market/gpu.c's table.

Usage: gpus_gen.py INPUT.csv OUTPUT.inc
"""

import csv
import pathlib
import re
import sys

TEXTS = ("name", "architecture")
NUMBERS = ("compute_cap", "memory_gb", "fp32_gflops", "f16_gflops", "memory_mbs", "power_w")


def main(source, target):
    with open(source, newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["name"] for row in rows]
    if names != sorted(set(names)):
        sys.exit(f"{source}: names must be unique and sorted")
    lines = []
    for row in rows:
        if not all(re.fullmatch(r"[A-Za-z0-9 -]+", row[key]) for key in TEXTS):
            sys.exit(f"{source}: {row['name']}: letters, digits, blanks and hyphens only")
        values = [f'"{row[key]}"' for key in TEXTS] + [str(int(row[key])) for key in NUMBERS]
        lines.append("{ " + ", ".join(values) + " },\n")
    pathlib.Path(target).write_text("".join(lines))


main(*sys.argv[1:])
