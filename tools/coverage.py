#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage.py FOLDER FILE...: what gcov counted of src/FILE.c, one line a file and one for every
branch that was never taken. Left out is what ends the process, which no test should see: assertions,
and conditions that do nothing but abort()."""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def counts(folder, name):
    layer, base = name.split("/")
    notes = folder / f"CMakeFiles/{layer}.dir/src/{layer}/{base}.c.gcda"
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["gcov", "--branch-probabilities", "--json-format", str(notes.resolve())], cwd=place,
                       check=True, stdout=subprocess.DEVNULL)
        for path in pathlib.Path(place).glob("*.gz"):
            for entry in json.loads(gzip.decompress(path.read_bytes()))["files"]:
                if entry["file"].endswith(f"src/{name}.c"):
                    return entry["lines"]
    return []


def statement_of(source, at):
    """The first and the last line of what the line belongs to."""
    first = last = at
    while first > 0 and source[first - 1].strip() and not re.search(r"([;{}:]|\*/)\s*$", source[first - 1]):
        first -= 1
    while last + 1 < len(source) and not re.search(r"[;{]", source[last]):
        last += 1
    return first, last


def is_ours(source, at):
    """Whether the line counts: no assertion, and not where memory has run out."""
    first, last = statement_of(source, at)
    statement = " ".join(part.strip() for part in source[first:last + 1])
    return not re.match(r"(?:\s*for \(.*\) )?assert\(", statement) and "abort();" not in statement


def main():
    folder = pathlib.Path(sys.argv[1])
    whole, total, missed_all = 0, 0, []
    for name in sys.argv[2:]:
        source = pathlib.Path(f"src/{name}.c").read_text().splitlines()
        known, missed = 0, []
        for line in counts(folder, name):
            number = line["line_number"]
            if not is_ours(source, number - 1):
                continue
            branches = [branch["count"] for branch in line["branches"] if not branch.get("throw")]
            known += len(branches) or 1
            if branches:
                missed += [(number, f"branch {at}") for at, count in enumerate(branches) if count == 0]
            elif line["count"] == 0:
                missed.append((number, "the line"))
        taken = known - len(missed)
        whole, total = whole + taken, total + known
        print(f"{100.0 * taken / max(known, 1):6.2f} %  {taken:4} of {known:4}  src/{name}.c")
        missed_all += [(name, number, what, source[number - 1].strip()) for number, what in missed]
    print(f"{100.0 * whole / max(total, 1):6.2f} %  {whole:4} of {total:4}  all")
    for name, number, what, text in sorted(missed_all):
        print(f"src/{name}.c:{number}: {what} is never taken: {text}")
    return 1 if missed_all else 0


if __name__ == "__main__":
    sys.exit(main())
