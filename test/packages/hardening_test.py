#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How every program is built: at an address of its own, with relocations that cannot be written, no stack that can
be executed, guarded stacks, and checked copies.

    hardening_test.py --bin build/bin
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

PROGRAMS = ("berthd", "berth-host", "berth", "berth-guest")


def ask(program, *words):
    return subprocess.run([*words, str(program)], capture_output=True, text=True, check=True).stdout


def faults_of(program):
    head, segments = ask(program, "readelf", "-hW"), ask(program, "readelf", "-lW")
    dynamic, symbols = ask(program, "readelf", "-dW"), ask(program, "readelf", "-sW")
    code = ask(program, "objdump", "-d", "--no-show-raw-insn") if "__stack_chk_fail" not in symbols else ""
    is_sanitized, is_static = "__asan_" in symbols, "INTERP" not in segments
    stack = re.search(r"GNU_STACK.* (R\S*) ", segments)
    rows = (
        ("it is not position independent", "DYN (" in head and re.search(r"FLAGS_1\).*PIE", dynamic)),
        ("its relocations can be written", "GNU_RELRO" in segments and "BIND_NOW" in dynamic),
        ("its stack can be executed", stack is not None and "E" not in stack.group(1)),
        ("a segment can be written and executed", not re.search(r"LOAD.* RWE ", segments)),
        # Where nothing is linked the guard is read in line.
        ("its stack is not guarded", "__stack_chk_fail" in symbols or "%fs:0x28" in code),
        # musl has none, and sanitizers have their own.
        ("its copies are not checked", is_sanitized or is_static or re.search(r"__(mem|str|v?snprintf)\w*_chk", symbols)),
        ("it looks for libraries where others may write", not re.search(r"\((RPATH|RUNPATH)\)", dynamic)),
    )
    return [what for what, is_so in rows if not is_so]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    options = parser.parse_args()
    if shutil.which("readelf") is None or shutil.which("objdump") is None:
        print("NOT RUN: binutils are needed")
        return 77
    failed = 0
    for name in PROGRAMS:
        faults = faults_of(options.bin / name)
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} - {name}{': ' if faults else ''}{', '.join(faults)}")
    print(f"{len(PROGRAMS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
