#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the guides tell people to type is what `berth` takes: each command exists, and has the options that it is given."""

import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUIDES = ["README.md", "docs/renter.md", "docs/host.md"]


def typed(text):
    """Lines of shell blocks, and what stands in the text between backquotes, over the end of a line, too."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            yield from (part.strip() for part in line.split("&&"))
    for words in re.findall(r"`(berth\s[^`]*)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        yield re.sub(r"\s+", " ", words)


def main():
    binary = pathlib.Path(sys.argv[sys.argv.index("--bin") + 1]) / "berth"
    helped, wrong, count = {}, [], 0

    def help_of(words):
        if words not in helped:
            done = subprocess.run([binary, *words, "--help"], capture_output=True, text=True, timeout=30, check=False)
            helped[words] = done.stdout if done.returncode == 0 and "Usage: berth " + " ".join(words) in done.stdout else None
        return helped[words]

    for guide in GUIDES:
        for line in typed((ROOT / guide).read_text()):
            if not line.startswith("berth ") or line == "berth help":
                continue
            words = shlex.split(line, comments=True)[1:]
            command = next((tuple(words[:n]) for n in (2, 1) if len(words) >= n and help_of(tuple(words[:n]))), None)
            count += 1
            if command is None:
                wrong.append(f"{guide}: there is no command '{line}'")
                continue
            text = help_of(command)
            wrong += [f"{guide}: '{line}': {command} has no {word}" for word in words[len(command):]
                      if re.fullmatch(r"--?[a-z][a-z-]*", word) and not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]
    for text in wrong:
        print(text)
    assert count > 40, f"only {count} commands were found"
    assert not wrong, f"{len(wrong)} that berth does not take"
    print(f"{count} commands in {len(GUIDES)} guides\n1 passed, 0 failed")


if __name__ == "__main__":
    main()
