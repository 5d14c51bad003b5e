#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage.py FOLDER FILE...: what gcov counted of src/FILE.c, one line a file and one for every
branch that was never taken. Lines with assert() are left out. Of what hands up a failing database, the side
that fails is left out, and counted: that is a call as a condition whose last argument is `err`, or `has_failed`
of rows, alone between `&&`, `||`, `return`, `if`, `while` and `for`. The fault tests take it
(test/flow/faults_test.c, test/store/durability_test.c). Its other side, and every other condition of the same
statement, must be taken; where branches and conditions do not match one to one, all must be."""

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


# A call whose last argument is `err`, or what rows say of themselves: the database's own yes or no.
HANDS_UP = re.compile(r"!?\w[\w.>-]*\((?:.*, )?(?:&?\w+->)?err\)$|!?\w+(?:\.|->)has_failed$")


def statement_of(source, at):
    """The first and the last line of what the line belongs to."""
    first = last = at
    while first > 0 and source[first - 1].strip() and not re.search(r"([;{}:]|\*/)\s*$", source[first - 1]):
        first -= 1
    while last + 1 < len(source) and not re.search(r"[;{]", source[last]):
        last += 1
    return first, last


def asking_part(statement):
    """Of `if (...) ...` what stands in its brackets; of others all."""
    if not (head := re.match(r"(?:\} )?(?:else )?(?:if|while|for) (?=\()", statement)):
        return re.sub(r"^return ", "", statement)
    depth = 0
    for place in range(head.end(), len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[place], 0)
        if depth == 0:
            return statement[head.end() + 1:place]
    return statement[head.end():]


def conditions_of(statement):
    """What it asks, one after the other, without the words around it and the brackets that only group."""
    text = asking_part(statement)
    parts, depth, begin, opened = [], 0, 0, []
    for place, byte in enumerate(text):
        if byte == "(":
            # A bracket behind a name is a call's, and what is in it is no condition of ours.
            is_call = place > 0 and re.match(r"[\w\]]", text[place - 1])
            opened.append(is_call)
            depth += bool(is_call)
        elif byte == ")" and opened:
            depth -= bool(opened.pop())
        elif depth == 0 and text[place:place + 2] in ("&&", "||"):
            parts.append(text[begin:place])
            begin = place + 2
        elif depth == 0 and byte in ";?{":
            parts.append(text[begin:place])
            begin = place + 1
    parts.append(text[begin:])
    return [trim(part) for part in parts if part.strip()]


def trim(part):
    """Without brackets that belong to the statement around it."""
    part = part.strip()
    while part.startswith("("):
        part = part[1:].strip()
    while part.endswith(")") and part.count(")") > part.count("("):
        part = part[:-1].strip()
    return part


def without_what_hands_up(source, lines):
    """(line number, branch number, text) of branches that count and were not taken; how many counted, how many did
    not. `lines` are those of one statement, as gcov has them."""
    first, last = statement_of(source, lines[0]["line_number"] - 1)
    statement = " ".join(part.strip() for part in source[first:last + 1])
    branches = [(line["line_number"], number, branch["count"]) for line in lines
                for number, branch in enumerate(one for one in line["branches"] if not one.get("throw"))]
    asked = conditions_of(statement)
    matches = len(branches) == 2 * len(asked)
    missed, spared = [], 0
    for place, (line, number, count) in enumerate(branches):
        other = branches[place ^ 1][2] if place ^ 1 < len(branches) else 0
        if count > 0:
            continue
        if matches and other > 0 and HANDS_UP.match(asked[place // 2]):
            spared += 1
        else:
            missed.append((line, f"branch {number}", source[line - 1].strip()))
    return missed, len(branches) - spared, spared


def is_behind_what_hands_up(source, at):
    """Whether the line only passes on that a database failed: it hands up, and so does all that led to it."""
    if not re.match(r"\s*return (?:false|error_context\(err, .*);$", source[at]):
        return False
    for first in range(at - 1, max(at - 12, 0), -1):
        if re.match(r"\s*(?:else )?(?:if|while) \(", source[first]):
            guard = " ".join(part.strip() for part in source[first:at])
            return not re.search(r"[;{]\s*$", guard) and all(HANDS_UP.match(one) for one in conditions_of(guard))
        if re.search(r"[;{}]\s*$", source[first]):
            return False
    return False


def is_ours(source, at):
    """Whether the line counts: no assertion, and not where memory has run out."""
    first, _ = statement_of(source, at)
    return not (re.match(r"\s*assert\(", source[first]) or re.match(r"\s*assert\(", source[at]) or
                "abort()" in source[at])


def main():
    folder = pathlib.Path(sys.argv[1])
    whole, total, all_spared, missed_all = 0, 0, 0, []
    for name in sys.argv[2:]:
        source = pathlib.Path(f"src/{name}.c").read_text().splitlines()
        statements, known, spared, missed = {}, 0, 0, []
        for line in counts(folder, name):
            at = line["line_number"] - 1
            if not is_ours(source, at):
                continue
            if line["branches"]:
                statements.setdefault(statement_of(source, at)[0], []).append(line)
                continue
            if line["count"] == 0 and is_behind_what_hands_up(source, at):
                spared += 1
                continue
            known += 1
            if line["count"] == 0:
                missed.append((at + 1, "the line", source[at].strip()))
        for lines in statements.values():
            untaken, counted, left_out = without_what_hands_up(source, lines)
            missed += untaken
            known += counted
            spared += left_out
        taken = known - len(missed)
        whole, total, all_spared = whole + taken, total + known, all_spared + spared
        print(f"{100.0 * taken / max(known, 1):6.2f} %  {taken:4} of {known:4}  {spared:3} hand up  src/{name}.c")
        missed_all += [(name, *one) for one in missed]
    print(f"{100.0 * whole / max(total, 1):6.2f} %  {whole:4} of {total:4}  {all_spared:3} hand up  all")
    for name, number, what, text in sorted(missed_all):
        print(f"src/{name}.c:{number}: {what} is never taken: {text}")
    return 1 if missed_all else 0


if __name__ == "__main__":
    sys.exit(main())
