#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage.py FOLDER FILE...: what gcov counted of src/FILE.c, one line a file and one for every
branch that was never taken. Lines with assert() are left out, and so is what only a failing database
does: `err` handed up, which the fault tests take (test/flow/faults_test.c, test/store/durability_test.c)."""

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


def main():
    folder = pathlib.Path(sys.argv[1])
    whole, total, missed_all = 0, 0, []
    for name in sys.argv[2:]:
        source = pathlib.Path(f"src/{name}.c").read_text().splitlines()
        is_store = name.startswith("store/")
        taken = known = 0
        missed = []
        for line in counts(folder, name):
            text = source[line["line_number"] - 1]
            # An assertion's own lines, to the end of its statement.
            start = line["line_number"] - 1
            while start > 0 and source[start - 1].strip() and not re.search(r"([;{}:]|\*/)\s*$", source[start - 1]):
                start -= 1
            if re.match(r"assert\(", source[start].strip()) or re.match(r"\s*assert\(", text) or "abort()" in text:
                continue
            branches = [one for one in line["branches"] if not one.get("throw")]
            if is_store and is_handing_up(source, start, line["line_number"] - 1):
                continue
            if not branches and line["count"] == 0:
                known += 1
                missed.append((line["line_number"], "the line", text.strip()))
            for number, branch in enumerate(branches):
                known += 1
                taken += branch["count"] > 0
                if branch["count"] == 0:
                    missed.append((line["line_number"], f"branch {number}", text.strip()))
            if not branches and line["count"] > 0:
                known += 1
                taken += 1
        whole, total = whole + taken, total + known
        print(f"{100.0 * taken / max(known, 1):6.2f} %  {taken:4} of {known:4}  src/{name}.c")
        missed_all += [(name, *one) for one in missed]
    print(f"{100.0 * whole / max(total, 1):6.2f} %  {whole:4} of {total:4}  all")
    for name, number, what, text in missed_all:
        print(f"src/{name}.c:{number}: {what} is never taken: {text}")
    return 1 if missed_all else 0


def is_handing_up(source, start, at):
    """A statement that passes on what the database said: only a broken one takes its other side."""
    end = at
    while end + 1 < len(source) and not re.search(r"[;{]", source[end]):
        end += 1
    statement = " ".join(part.strip() for part in source[start:end + 1])
    return bool(re.search(r"\berr\)|has_failed", statement.split(";")[0]))


if __name__ == "__main__":
    sys.exit(main())
