#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Manual pages, completions and sample configurations, as tools/pages.py makes them for the packages: the pages are right for man
(and for mandoc, where there is one), bash, zsh and fish complete every command and option, and a sample has every option of the
settings' table, once; and what the units set for the C library is known to it."""

import gzip
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ("berth", "berthd", "berth-host")
COMMAND_LINE_ALONE = {"config", "help", "data"}  # where the configuration is; and data, which the server's package fills in
HOST_ALONE = {"api-key", "simulate-gpus"}  # what berth-host install does not keep; and what is there to try things


def look_at_page(made, name, folder):
    page = folder / f"{name}.1"
    page.write_bytes(gzip.decompress((made / "man" / f"{name}.1.gz").read_bytes()))
    text = page.read_text()
    assert re.match(rf'\.TH {name.upper()} 1 "\d{{4}}-\d\d-\d\d" "Berth ', text), text.split("\n", 1)[0]
    linters = [["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], ["mandoc", "-T", "lint", "-W", "warning", page]]
    found = [words for words in linters if shutil.which(words[0])]
    for words in found:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        said = done.stderr + (done.stdout if words[0] == "mandoc" else "")
        assert done.returncode == 0 and not said, f"{words[0]}: {name}: {said[:400]}"
    return len(found)


# What each shell is asked: $1, the file; $2, the words before; $3, what is typed. Without a line editor zsh has none of what one
# tells, so that stands in variables. look_at_keys() presses real ones.
ASK = {
    "bash": """source "$1"; COMP_WORDS=($2 "$3"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _${COMP_WORDS[0]//-/_}
               printf '%s\\n' "${COMPREPLY[@]}" """,
    "zsh": """compdef() { }; _files() { }
              _describe() { local -a all=("${(@P)2}"); all=(${(M)all:#$PREFIX*}); print -rl -- ${all%%:*} }
              source "$1"; words=(${=2} "$3"); CURRENT=$#words; PREFIX=$3; _$words[1]""",
    "fish": """source $argv[1]; function __fish_complete_path; end
               complete -C "$argv[2] $argv[3]" | string replace -r "\\t.*" ""; true """,
}
FILES = {"bash": "bash/{}", "zsh": "zsh/_{}", "fish": "fish/{}.fish"}
COMMANDS = {"berth": ("search offers", "copy"), "berthd": ("serve", "backup"), "berth-host": ("run", "install")}
KEYS = {"berth": ("search of", "search offers"), "berthd": ("serve --relay-po", "serve --relay-ports"), "berth-host": ("stop", "stop-engine")}


def offered(shell, path, before, typed=""):
    words = {"bash": ["--norc", "-c", ASK[shell], shell], "zsh": ["-f", "-c", ASK[shell], shell],
             "fish": ["--no-config", "-c", ASK[shell]]}[shell]
    with tempfile.TemporaryDirectory() as empty:  # where words may be names of files
        return set(subprocess.run([shell, *words, path, before, typed], capture_output=True, text=True, check=True,
                                  cwd=empty).stdout.split())


def look_at_completion(made, name, program):
    """Every command, and the options of two, in each shell that is there. Ends with how many those are."""
    def say(*words):
        return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  ([a-z][a-z-]*)\b" if name == "berth" else r"^  berthd ([a-z-]+)" if name == "berthd" else
                           r"^berth-host ([a-z-]+)(?!.*on a Berth market)", say("help"), re.M))
    options = [(words, say("help") if name == "berth-host" else say(*words.split(), "--help")) for words in COMMANDS[name]]
    shells = [shell for shell in ASK if shutil.which(shell)]
    for shell in shells:
        path = made / "completion" / FILES[shell].format(name)
        subprocess.run([shell, "-n", path], check=True)
        assert known and offered(shell, path, name) == known, f"{shell}: {name}: {offered(shell, path, name) ^ known}"
        for words, text in options:
            # An option may have a letter before it; in the midst of a sentence there is none.
            want = {"--" + option for option in re.findall(r"^ +(?:-\w, +)?--([a-z][a-z-]*)", text, re.M)}
            got = offered(shell, path, f"{name} {words}", "--")
            assert len(want) > 3 and got == want, f"{shell}: {name} {words}: {got ^ want}"
        if name == "berthd":
            look_at_admin(shell, path, say("admin", "--help"))
    return len(shells)


def look_at_admin(shell, path, text):
    """Its words are the program's own, wherever options stand; after them nothing is known."""
    known = {}
    for noun, verb in re.findall(r"^  ([a-z-]+) ([a-z-]+)\b", text, re.M):
        known.setdefault(noun, set()).add(verb)
    assert len(known) > 8
    for before in ("berthd admin", "berthd admin --data /d"):
        got = offered(shell, path, before)
        assert got == set(known), f"{shell}: {before}: {got ^ set(known)}"
        for noun, verbs in known.items():
            got = offered(shell, path, f"{before} {noun}")
            assert got == verbs, f"{shell}: {before} {noun}: {got ^ verbs}"
    for whole in ("berthd admin credit grant", "berthd admin hold credit"):
        assert not offered(shell, path, whole), f"{shell}: {whole}: {offered(shell, path, whole)}"


def look_at_keys(made, folder, name):
    """At a terminal of its own zsh finds the file by its name, at the first press of Tab and at the next."""
    typed, whole = KEYS[name]
    (folder / ".zshrc").write_text(f"fpath=({made}/completion/zsh $fpath)\nautoload -Uz compinit\ncompinit -u -D\nPROMPT='ready> '\n"
                                   f"{name}() {{ print -r -- \"ran <$*>\" }}\n")
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("zsh", ["zsh", "-d", "-i"], {**os.environ, "ZDOTDIR": str(folder), "TERM": "dumb"})
    screen = ""
    try:
        for count in (1, 2):
            screen = read_until(terminal, screen, "ready> ", count)
            os.write(terminal, f"{name} {typed}\t\n".encode())
            screen = read_until(terminal, screen, f"ran <{whole}>", count)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def read_until(terminal, screen, text, count):
    end = time.monotonic() + 60
    while screen.count(text) < count:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, f"zsh: no {text!r} in {screen!r}"
        screen += os.read(terminal, 4096).decode(errors="replace")
    return screen


def options_of(text):
    return re.findall(r"^ +--([a-z][a-z-]*)", text, re.M)


def look_at_sample(path, help_text, others):
    kept = re.findall(r"^#?([a-z][a-z-]*)(?: |$)", path.read_text(), re.M)
    twice = {name for name in kept if kept.count(name) > 1}
    assert not twice, f"{path.name} has twice {sorted(twice)}"
    known = set(options_of(help_text)) - others
    assert len(known) > 15 and known == set(kept) - others, f"{path.name}: {sorted(known ^ (set(kept) - others))}"
    return len(kept)


def look_at_units():
    """The C library says nothing of a tunable that it does not know."""
    loader = re.search(r"interpreter: (\S+)]", subprocess.run(["readelf", "-lW", sys.executable], capture_output=True, text=True,
                                                              check=True).stdout)[1]
    known = re.findall(r"^(glibc\.\S+):", subprocess.run([loader, "--list-tunables"], capture_output=True, text=True,
                                                          check=True).stdout, re.M)
    used = {unit.name: re.findall(r"glibc\.[a-z_.]+", unit.read_text()) for unit in (ROOT / "deploy/systemd").glob("*.service")}
    assert used["berthd.service"] and len(known) > 10, "no tunables"
    for unit, names in used.items():
        assert set(names) <= set(known), f"{unit}: {sorted(set(names) - set(known))} is nothing that the C library knows"


def main():
    binary = pathlib.Path(sys.argv[sys.argv.index("--bin") + 1]).resolve()
    with tempfile.TemporaryDirectory(prefix="berth-pages-") as name:
        folder = pathlib.Path(name)
        made = folder / "made"
        subprocess.run([sys.executable, "-B", ROOT / "tools/pages.py", "--bin", binary, "--out", made], check=True)
        looks = shells = 0
        for program in PROGRAMS:
            looks += look_at_page(made, program, folder)
            shells = look_at_completion(made, program, binary / program)
            if shutil.which("zsh"):
                look_at_keys(made, folder, program)
        serve = subprocess.run([binary / "berthd", "serve", "--help"], capture_output=True, text=True, check=True).stdout
        host = subprocess.run([binary / "berth-host", "help"], capture_output=True, text=True, check=True).stdout
        settings = look_at_sample(made / "etc/berthd.conf", serve, COMMAND_LINE_ALONE)
        look_at_units()
        settings += look_at_sample(made / "etc/host.conf.sample", host, COMMAND_LINE_ALONE | HOST_ALONE)
    print(f"{len(PROGRAMS)} pages, held to {looks // len(PROGRAMS)} of man and mandoc; completed by {shells} of {len(ASK)} shells; {settings} settings\n1 passed, 0 failed")


if __name__ == "__main__":
    main()
