#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutate.py [FILE...]: plants arithmetic and sign defects, one at a time, in the files that count money,
and says which test of those files caught each. Exit 1 if one survives.

    mutate.py market/meter market/journal     only in these
    mutate.py --count 60 --from 3             other places: each seed picks its own

The tree is copied first, so what is planted never meets what is being worked on."""

import argparse
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

FILES = ["market/meter", "market/journal", "market/ledger", "market/refund", "market/credit", "market/connected",
         "market/traffic", "market/billing", "market/payout", "market/hold", "market/seal", "store/ledger",
         "store/ledger_entries", "store/hold", "store/meters", "store/seal", "store/trial"]

# What to find, what to make of it. Each is a slip that a tired person makes.
SLIPS = [
    (r"(?<=[\w\)\]]) \+ (?=[\w\(])", " - "),
    (r"(?<=[\w\)\]]) - (?=[\w\(])", " + "),
    (r"(?<=[\w\)\]]) \* (?=[\w\(])", " + "),
    (r"(?<=[\w\)\]]) / (?=[\w\(])", " * "),
    (r"(?<=[\w\)\]]) % (?=[\w\(])", " / "),
    (r" \+= ", " -= "),
    (r" -= ", " += "),
    (r"(?<=[\w\)\]]) < (?=[\w\(-])", " <= "),
    (r"(?<=[\w\)\]]) <= (?=[\w\(-])", " < "),
    (r"(?<=[\w\)\]]) > (?=[\w\(-])", " >= "),
    (r"(?<=[\w\)\]]) >= (?=[\w\(-])", " > "),
    (r"(?<=[\w\)\]]) < (?=0\b)", " > "),
    (r" == ", " != "),
    (r" != ", " == "),
    (r"money_add\(", "money_subtract("),
    (r"money_subtract\(", "money_add("),
    (r"\bdebits\b(?=[,;\)])", "credits"),
    (r"\.debit\b", ".credit"),
    (r"\.gross\b", ".host"),
    (r"\.fee\b", ".gross"),
    (r"dr_posted \+ \$2", "dr_posted - $2"),
    (r"cr_posted \+ \$3", "cr_posted - $3"),
]

# Slips that change nothing: what is left out below the limit is what the next line makes of it.
SAME = {
    ("market/connected", "ms < 0)"): "nothing is what no time comes to",
    ("market/credit", "<= -INT64_MAX"): "the bound is its own clamp",
    ("market/credit", ">= INT64_MAX"): "the bound is its own clamp",
}

# Loops, assertions and comments are not arithmetic; a defect there is of another kind.
SKIP = re.compile(r"^\s*(for|while|assert|static_assert|/\*|\*|#|//|NODISCARD)|buf_printf|snprintf|PRI\w64|error_|->driver")


def places(root, names):
    """(file, line, column, what it becomes), every one there is."""
    found = []
    for name in names:
        path = root / f"src/{name}.c"
        in_comment = False
        for number, line in enumerate(path.read_text().splitlines()):
            was_in_comment, in_comment = in_comment, (in_comment or "/*" in line) and "*/" not in line
            if was_in_comment or SKIP.search(line):
                continue
            for pattern, slip in SLIPS:
                for match in re.finditer(pattern, line):
                    after = line[:match.start()] + slip + line[match.end():]
                    # The lesser of two equal ones is either; and so for the lists above.
                    if slip in (" < ", " <= ", " > ", " >= ") and re.search(r" [<>]=? .*\?.* : ", line):
                        continue
                    if any(name == file and text in after for file, text in SAME):
                        continue
                    found.append((name, number, match.span(), slip))
    return found


def build_and_run(root, names):
    """The first test that fails; "the compiler"; or None."""
    targets = [f"test_{name.replace('/', '_')}_test" for name in names]
    if subprocess.run(["ninja", "-C", "build", *targets], cwd=root, capture_output=True, check=False).returncode != 0:
        return "the compiler"
    for target in targets:
        try:
            done = subprocess.run([f"bin/{target}"], cwd=root / "build", capture_output=True, text=True, timeout=1200,
                                  check=False)
        except subprocess.TimeoutExpired:
            return f"{target} (never ended)"
        if done.returncode != 0:
            failed = re.findall(r"\[  FAILED  \] (\w+)", done.stdout + done.stderr)
            return f"{target}: {failed[0] if failed else 'it ended'}"
    return None


def guards(name):
    """Tests that see the file, its own first."""
    more = {"market/meter": ["market/refund", "store/meters"], "market/ledger": ["market/journal", "store/ledger"],
            "market/journal": ["store/ledger"], "store/meters": [], "store/ledger": ["store/trial"]}
    return [name, *more.get(name, [])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--from", type=int, default=1, dest="seed")
    options = parser.parse_args()
    tree = pathlib.Path(__file__).resolve().parent.parent
    names = options.files or FILES
    with tempfile.TemporaryDirectory(prefix="berth-mutate-") as place:
        root = pathlib.Path(place)
        listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=tree,
                                capture_output=True, text=True, check=True).stdout.split("\n")
        for name in filter(None, listed):
            if (tree / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(tree / name, root / name)
        subprocess.run(["cmake", "-G", "Ninja", "-S", ".", "-B", "build", "-DCMAKE_C_COMPILER_LAUNCHER=ccache",
                        "-DCMAKE_C_FLAGS=-Wno-error"], cwd=root, check=True, capture_output=True)
        if (broken := build_and_run(root, sorted({guard for name in names for guard in guards(name)}))) is not None:
            sys.exit(f"mutate: without any defect: {broken}")
        every = places(root, names)
        # As many from each file as its share, and all that there are where they are few.
        chance = random.Random(options.seed)
        chosen = sorted(chance.sample(every, min(options.count, len(every))))
        survivors = caught = 0
        for name, number, (start, end), slip in chosen:
            path = root / f"src/{name}.c"
            text = path.read_text()
            lines = text.splitlines(keepends=True)
            line = lines[number]
            lines[number] = line[:start] + slip + line[end:]
            path.write_text("".join(lines))
            by = build_and_run(root, guards(name))
            path.write_text(text)
            where = f"src/{name}.c:{number + 1}: {line.strip()}  ->  {lines[number].strip()}"
            if by is None:
                survivors += 1
                print(f"SURVIVED  {where}", flush=True)
            elif by != "the compiler":
                caught += 1
                print(f"caught    {where}\n          by {by}", flush=True)
        print(f"{caught} planted defects caught, {survivors} survived; {len(every)} places there are")
        sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
