#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fuzz_words.py TARGET: a dictionary for libFuzzer, of the words that the code under test compares with.

They are the short literals of the files that the target includes and of those beside them whose names begin
alike (market/query_parse.h: src/market/query*), of what those include in the same way once more, and the
joints of JSON. Without them a mutator would have to hit on each name of a field by chance, through a JSON
library that tells it nothing."""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^#include "([a-z]+)/([a-z0-9_]+)\.(?:h|def)"', re.M)
LITERAL = re.compile(r'"([A-Za-z0-9_$*./+=<>!-]{1,32})"')
JOINTS = ['{"', '":', '":{"', '"},"', '":[', '],"', '":"', '","', '":true,"', '":null,"', '":1,"', '[[', ']]', '{}', '[]']


def beside(folder, stem):
    """The module's files: query_parse finds query.c, query_operand.c and query_fields.def too."""
    return sorted(path for path in (TREE / "src" / folder).glob(f"{stem.split('_')[0]}*") if path.suffix in (".c", ".h", ".def"))


def words(target):
    files, wanted = set(), [TREE / "test/fuzz" / f"{target}.c"]
    for _ in range(2):
        found = set()
        for path in wanted:
            for folder, stem in INCLUDE.findall(path.read_text()):
                if folder != "base":
                    found.update(beside(folder, stem))
        wanted = sorted(found - files)
        files |= found
    lines = {word for path in files for word in LITERAL.findall(path.read_text())}
    return sorted(word for word in lines if not word.endswith((".h", ".def")))


def main():
    if len(sys.argv) != 2 or not (TREE / "test/fuzz" / f"{sys.argv[1]}.c").exists():
        sys.exit(f"fuzz_words.py: {__doc__.splitlines()[0]}")
    for word in JOINTS + words(sys.argv[1]):
        print('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"')


if __name__ == "__main__":
    main()
