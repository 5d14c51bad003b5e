#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns data/dlperf.json into the rows of market/dlperf.h's tables.

Usage: dlperf_gen.py INPUT.json OUTPUT.inc

Each task is a profile of its own too, with a weight of one.
"""

import json
import math
import pathlib
import re
import sys

RATES = ("tf32", "f32", "f16", "bf16", "bandwidth")
PARTS = RATES + ("constant",)


def fail(why):
    sys.exit(f"data/dlperf.json: {why}")


def check(name, parts, known):
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        fail(f"'{name}': small letters, digits and hyphens only")
    if unknown := set(parts) - set(known):
        fail(f"{name}: no such thing as {sorted(unknown)}")
    if any(part < 0 for part in parts.values()) or not math.isclose(sum(parts.values()), 1):
        fail(f"{name}: its parts are not 1 together")


def row(kind, name, title, parts, known):
    if not re.fullmatch(r"[A-Za-z0-9 ,()-]+", title):
        fail(f"{name}: letters, digits, commas and brackets only")
    values = ", ".join(repr(float(parts.get(part, 0))) for part in known)
    return f'{kind}({name.upper().replace("-", "_")}, "{name}", "{title}", {values})'


def main(source, target):
    data = json.loads(pathlib.Path(source).read_text(encoding="ascii"))
    tasks, profiles = data["tasks"], data["profiles"]
    if next(iter(profiles)) != "default" or set(profiles) & set(tasks):
        fail("the first profile is 'default', and none is named like a task")
    lines = ["#ifdef DLPERF_REFERENCE",
             "DLPERF_REFERENCE({}, {})".format(
                 float(data["reference"]["score"]),
                 ", ".join(repr(float(data["reference"][rate])) for rate in RATES)),
             "#endif", "#ifdef DLPERF_TASK"]
    for name, task in tasks.items():
        check(name, task["time"], PARTS)
        lines.append(row("DLPERF_TASK", name, task["title"], task["time"], PARTS))
    lines += ["#endif", "#ifdef DLPERF_PROFILE"]
    for name, profile in profiles.items():
        check(name, profile["weights"], tasks)
        lines.append(row("DLPERF_PROFILE", name, profile["title"], profile["weights"], tasks))
    for name, task in tasks.items():
        lines.append(row("DLPERF_PROFILE", name, task["title"], {name: 1}, tasks))
    lines += ["#endif", "#ifdef DLPERF_IMAGE"]
    for word, profile in data["images"].items():
        if profile not in profiles and profile not in tasks:
            fail(f"{word}: there is no profile '{profile}'")
        lines.append(f'DLPERF_IMAGE("{word}", {profile.upper().replace("-", "_")})')
    lines += ["#endif", ""]
    pathlib.Path(target).write_text("\n".join(lines), encoding="ascii")


main(*sys.argv[1:])
