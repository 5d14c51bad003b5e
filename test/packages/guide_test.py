#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the guides tell people to type is what `berth`, `berthd` and `berth-host` take: each command exists, and has the options
that it is given."""

import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUIDES = ["README.md", "docs/renter.md", "docs/host.md"]
SERVICES = [*GUIDES, "SECURITY.md", "HACKING.md",
            *(f"docs/{name}.md" for name in ("operator", "cluster", "payments", "live-sandbox", "webhooks", "capacity", "agent-protocol"))]


def typed(text):
    """Lines of shell blocks, and what stands in the text between backquotes, over the end of a line, too."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            yield from (part.strip() for part in line.split("&&"))
    for words in re.findall(r"`(berth(?:d|-host)?\s[^`]*)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        yield re.sub(r"\s+", " ", words)


def lacks(text, words):
    """Of the options among the words, those that a help does not name."""
    return [word for word in (word.partition("=")[0] for word in words)
            if re.fullmatch(r"--?[a-z][a-z-]*", word) and not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]


def wrong_for_service(binary, program, words):
    """What is wrong with a command of berthd or berth-host, in words; or nothing."""
    def help_of(*command):
        done = subprocess.run([binary / program, *command, "--help"], capture_output=True, text=True, timeout=30, check=False)
        return done.stdout if done.returncode == 0 else ""

    if words[0].startswith("-"):
        return [f"there is no {word}" for word in lacks(help_of() + " --version --help", words)]
    if not re.search(rf"^ *{program} {re.escape(words[0])}\b", help_of(), re.M):
        return [f"there is no command {words[0]}"]
    text = help_of(words[0]) if program == "berthd" else help_of()
    wrong = [f"{words[0]} has no {word}" for word in lacks(text, words[1:])]
    # What is done, of commands that do several things, with what stands before it taken away.
    done = re.sub(r"^((--data|--store) \S+ *)+", "", " ".join(words[1:]))
    verb = re.match(r"[a-z]+( [a-z]+)?" if words[0] == "admin" else r"[a-z]+", done)
    if program == "berthd" and words[0] in ("admin", "master-key", "release", "recovery") and verb:
        listed = rf"\b{verb[0]}\b" if words[0] == "recovery" else rf"^(  |berthd release ){verb[0]}\b"
        wrong += [] if re.search(listed, text, re.M) else [f"{words[0]} has no {verb[0]}"]
    return wrong


def main():
    folder = pathlib.Path(sys.argv[sys.argv.index("--bin") + 1])
    binary = folder / "berth"
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
            wrong += [f"{guide}: '{line}': {command} has no {word}" for word in lacks(text, words[len(command):])]
    services = 0
    for guide in SERVICES:
        for line in typed((ROOT / guide).read_text()):
            if match := re.match(r"(?:sudo (?:-u \w+ )?)?(berthd|berth-host) (.+)", line):
                services += 1
                wrong += [f"{guide}: '{line}': {what}" for what in
                          wrong_for_service(folder, match[1], re.split(r"\s+", re.sub(r"\s#.*", "", match[2]).strip()))]
    for text in wrong:
        print(text)
    assert count > 40 and services > 40, f"only {count} and {services} commands were found"
    assert not wrong, f"{len(wrong)} that berth does not take"
    print(f"{count} commands of berth and {services} of its services in {len(SERVICES)} guides\n1 passed, 0 failed")


if __name__ == "__main__":
    main()
