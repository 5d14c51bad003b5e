#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Have clang read every source for its warnings, without making code of them.

    clang_check.py BUILD

BUILD is a tree that cmake has configured for clang. What it generates is generated; then each
command of its compile_commands.json runs as -fsyntax-only, as many at a time as there are cores.
Prints what clang says and ends with 1 if it says anything.
"""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys


def syntax_only(command):
    """The arguments of a compilation, less its output."""
    kept, skip = [], False
    for argument in shlex.split(command):
        if skip or argument in ("-c", "ccache"):
            skip = False
        elif argument in ("-o", "-MT", "-MF"):
            skip = True
        elif argument != "-MD":
            kept.append(argument)
    return kept + ["-fsyntax-only"]


def check(entry):
    done = subprocess.run(syntax_only(entry["command"]), cwd=entry["directory"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0 and not done.stdout, done.stdout


def generate(build):
    """Make what sources include and no compiler makes."""
    listed = subprocess.run(["ninja", "-C", build, "-t", "targets", "rule", "CUSTOM_COMMAND"],
                            check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    made = [target for target in listed if target.startswith("generated/")]
    subprocess.run(["ninja", "-C", build, "api_made", *made], check=True,
                   stdout=subprocess.DEVNULL)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.realpath(sys.argv[1])
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    generate(build)
    # What several programs share is listed once for each.
    entries = list({(entry["file"], tuple(syntax_only(entry["command"]))): entry
                    for entry in entries}.values())
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for is_clean, said in pool.map(check, entries):
            if not is_clean:
                failed += 1
                print(said, end="")
    print(f"clang: {len(entries)} sources read, {failed} with something to say")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
