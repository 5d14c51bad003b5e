#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutate.py [FILE...]: plants defects, one at a time, and says which test caught each. Exit 1 if one survives.

    mutate.py                                 arithmetic and signs, in the files that count money
    mutate.py market/meter market/journal     only in these
    mutate.py --count 60 --from 3             other places: each seed picks its own
    mutate.py --rules                         the list of tools/mutants.py: who runs when
    mutate.py --rules flow/hall               of that, what is in this file

The tree is copied first, so what is planted never meets what is being worked on."""

import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import mutants

FILES = ["market/meter", "market/journal", "market/ledger", "market/refund", "market/credit", "market/connected",
         "market/traffic", "market/billing", "market/payout", "market/hold", "market/seal", "store/ledger",
         "store/ledger_entries", "store/hold", "store/meters", "store/seal", "store/trial", "market/approval",
         "market/warning", "market/accrual"]

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
    ("market/warning", "state.next) <= 0"): "of two equal instants either is the next",
}

# A defect may well be one that the compiler warns of: that is not to be its end.
UNWARNED = "".join(f'#pragma GCC diagnostic warning "-W{what}"\n' for what in
                   ("unused", "unused-parameter", "empty-body", "type-limits", "unused-but-set-variable"))

SIM_SEEDS = 40  # of the simulator, where no test has caught it

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


def listed(root, names):
    """(file, text with the defect, what it is), of tools/mutants.py. One that fits nowhere is said before any is tried."""
    found = []
    for name, old, new, what in mutants.DEFECTS:
        text = (root / f"src/{name}.c").read_text()
        if text.count(old) != 1:
            sys.exit(f"mutate: src/{name}.c has not one place of: {old}")
        if not names or name in names:
            found.append((name, text.replace(old, new), f"src/{name}.c: {what}"))
    return found


def slips(root, names, count, seed):
    """(file, text with the defect, what it is): as many as `count`, from each file as its share."""
    every = places(root, names)
    for name, number, (start, end), slip in sorted(random.Random(seed).sample(every, min(count, len(every)))):
        lines = (root / f"src/{name}.c").read_text().splitlines(keepends=True)
        line = lines[number]
        lines[number] = line[:start] + slip + line[end:]
        yield name, "".join(lines), f"src/{name}.c:{number + 1}: {line.strip()}  ->  {lines[number].strip()}"


def simulate(root):
    """The seed that fails, or None."""
    done = subprocess.run(["bin/sim", "--seeds", str(SIM_SEEDS)], cwd=root / "build", capture_output=True, text=True,
                          timeout=1800, check=False)
    failed = re.findall(r"seed (\d+) failed", done.stderr)
    return None if done.returncode == 0 else f"sim: seed {failed[0] if failed else 'unknown'}"


def run_test(root, target):
    """What of it fails, or None."""
    try:
        done = subprocess.run([f"bin/{target}"], cwd=root / "build", capture_output=True, text=True, timeout=1200,
                              check=False, env=os.environ | {"BERTH_TEST_DATABASE": "sqlite"})
    except subprocess.TimeoutExpired:
        return f"{target} (never ended)"
    if done.returncode == 0:
        return None
    failed = re.findall(r"\[  FAILED  \] (\w+(?: \[\w+\])?)", done.stdout + done.stderr)
    return f"{target}: {failed[0] if failed else 'it ended'}"


def build_and_run(root, names, with_sim):
    """The first test that fails; "the compiler"; or None. Each is built when its turn comes: the first mostly is enough."""
    for target in [f"test_{name.replace('/', '_')}_test" for name in names] + ["sim"] * with_sim:
        if subprocess.run(["ninja", "-C", "build", target], cwd=root, capture_output=True, check=False).returncode != 0:
            return "the compiler"
        if (by := simulate(root) if target == "sim" else run_test(root, target)):
            return by
    return None


def guards(name):
    """Tests that see the file, its own first."""
    more = mutants.GUARDS | {"market/meter": ["market/refund", "store/meters"], "market/ledger": ["market/journal", "store/ledger"],
            "market/journal": ["store/ledger"], "store/meters": [], "store/ledger": ["store/trial", "store/hold"]}
    return [name, *more.get(name, [])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--from", type=int, default=1, dest="seed")
    parser.add_argument("--rules", action="store_true")
    options = parser.parse_args()
    tree = pathlib.Path(__file__).resolve().parent.parent
    names = options.files or (sorted({row[0] for row in mutants.DEFECTS}) if options.rules else FILES)
    with tempfile.TemporaryDirectory(prefix="berth-mutate-") as place:
        root = pathlib.Path(place)
        files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=tree,
                               capture_output=True, text=True, check=True).stdout.split("\n")
        for name in filter(None, files):
            if (tree / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(tree / name, root / name)
        # Sanitizers see what is read and never set; of who runs when, the simulator sees far more, and fast.
        kind = "-DCMAKE_BUILD_TYPE=RelWithDebInfo" if options.rules else "-DBERTH_SANITIZE=ON"
        subprocess.run(["cmake", "-G", "Ninja", "-S", ".", "-B", "build", "-DCMAKE_C_COMPILER_LAUNCHER=ccache", kind],
                       cwd=root, check=True, capture_output=True)
        planted = listed(root, options.files) if options.rules else slips(root, names, options.count, options.seed)
        # The simulator sees what is in the flows and what they decide by.
        with_sim = options.rules
        if (broken := build_and_run(root, sorted({guard for name in names for guard in guards(name)}), with_sim)):
            sys.exit(f"mutate: without any defect: {broken}")
        survivors = caught = 0
        for name, defect, where in planted:
            path = root / f"src/{name}.c"
            text = path.read_text()
            path.write_text(UNWARNED + defect)
            by = build_and_run(root, guards(name), with_sim)
            path.write_text(text)
            if by is None:
                survivors += 1
                print(f"SURVIVED  {where}", flush=True)
            elif by != "the compiler":
                caught += 1
                print(f"caught    {where}\n          by {by}", flush=True)
            elif options.rules:
                sys.exit(f"mutate: does not build: {where}")
        print(f"{caught} planted defects caught, {survivors} survived")
        sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
