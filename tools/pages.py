#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Manual pages, completions and sample configurations, out of what the programs say themselves.

    tools/pages.py --bin build/bin --out FOLDER

writes FOLDER/{man,completion/{bash,zsh,fish},etc}. Their help is made from their tables of commands and options, so
nothing here names one.
"""

import argparse
import gzip
import os
import pathlib
import re
import subprocess
import textwrap
import time

TITLES = {
    "berth": "rent machines, lend machines",
    "berthd": "the server of a GPU rental market",
    "berth-host": "lends this machine out on a Berth market",
}
FILES = {
    "berth": [("~/.config/berth/", "the market's address and your key, as `berth login` keeps them")],
    "berthd": [("/etc/berth/berthd.conf", "options of berthd serve, as berthd.service passes them"),
               ("/var/lib/berth", "keys, the lock, and SQLite's file; keep master.key and server.key "
                                  "apart from backups of the database")],
    "berth-host": [("/etc/berth/host.conf", "options of berth-host run, as berth-host.service passes them"),
                   ("/var/lib/berth-host", "who this machine is, and the records of its instances")],
}


def say(program, *words):
    run = subprocess.run([program, *words], capture_output=True, text=True, check=True)
    return run.stdout


def escape(text):
    """As troff must have it."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def commands_of(name, text):
    """The commands that a list of them names, as lists of words."""
    if name == "berthd":
        return [[word] for word in re.findall(r"^  berthd (\S+)", text, re.M)]
    if name == "berth-host":
        return []
    # Words in capitals, brackets or three dots are arguments.
    return [re.split(r" (?=[A-Z\[])| {2,}", line)[0].split()
            for line in re.findall(r"^  ([a-z].*)$", text, re.M)]


def help_of(program, name, words):
    if name != "berth":
        return say(program, *words, "--help")
    # A last word in small letters may be an argument, too.
    if subprocess.run([program, "help", *words], capture_output=True, check=False).returncode != 0:
        words.pop()
    return say(program, "help", *words)


def man_page(program, name):
    version = say(program, "version").split()[-1]
    text = say(program, "help")
    day = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    page = [f'.TH {name.upper()} 1 "{day}" "Berth {version}" "Berth"', ".SH NAME",
            f"{escape(name)} \\- {TITLES[name]}", ".SH SYNOPSIS", f".B {escape(name)}",
            "COMMAND [OPTIONS]", ".SH DESCRIPTION", ".nf", escape(text), ".fi"]
    commands = commands_of(name, text)
    if commands:
        page.append(".SH COMMANDS")
    for words in commands:
        more = help_of(program, name, words)
        # What every command has stands above.
        more = re.sub(r"\nOptions of every command:\n(  .*\n)*", "\n", more)
        page += [f".SS {escape(' '.join(words))}", ".nf", escape(more.strip()), ".fi"]
    page.append(".SH FILES")
    for path, what in FILES[name]:
        page += [".TP", f".I {escape(path)}", escape(textwrap.fill(what, 72))]
    page += [".SH EXIT STATUS", "0: done. 1: failed. 2: wrong usage.", ".SH SEE ALSO",
             ", ".join(f"\\fB{escape(other)}\\fR(1)"
                       for other in TITLES if other != name), ""]
    return "\n".join(page)


def commands_and_options(program, name):
    """[(command, summary)], and [([commands], [(option, summary)])], in the words of the help."""
    def options_of(text):
        text = re.sub(r"\n {8,}", " ", text)  # sentences go on there
        return tuple(re.findall(r"^  (--[a-z-]+)(?: {2,}| \S+ +)(.*)$", text, re.M))
    text = say(program, "help")
    if name == "berth-host":
        commands = re.findall(r"^berth-host ([a-z-]+)(?:.*\] +| {2,}|$)(.*)$", text, re.M)
        return commands, [([command for command, _ in commands], options_of(text))]
    commands = re.findall(rf"^  {name} ([a-z-]+) +(.*)$", text, re.M)
    groups = {}
    for command, _ in commands:
        groups.setdefault(options_of(say(program, command, "--help")), []).append(command)
    return commands, [(together, options) for options, together in groups.items()]


def nested_of(program, name):
    """{command: {noun: [(verb, summary)]}}: what a command is told in two words more, in those of its help."""
    if name != "berthd":
        return {}
    nouns = {}
    for noun, verb, summary in re.findall(r"^  ([a-z][a-z-]*) ([a-z][a-z-]*)\b.*\n {6}(.*)$", say(program, "admin", "--help"), re.M):
        nouns.setdefault(noun, {}).setdefault(verb, summary)
    return {"admin": {noun: list(verbs.items()) for noun, verbs in nouns.items()}}


def quoted(text, quote="'\\''"):
    return "'" + text.replace("'", quote) + "'"


def bash_completion(name, commands, groups, nested):
    """Commands, then the options of that one, or, where it has such, the words that it wants; so do the others."""
    function = "_" + name.replace("-", "_")
    cases = "\n".join(f"        {'|'.join(together)}) words='{' '.join(sorted({option for option, _ in options}))}' ;;"
                      for together, options in groups)
    words = "".join(f"""
    if [ "${{COMP_WORDS[1]}}" = {command} ] && [ "${{cur:0:1}}" != - ]; then
        for word in "${{COMP_WORDS[@]:2:COMP_CWORD-2}}"; do
            if [ -n "$noun" ]; then verb=$word; break; fi
            case $word in {'|'.join(nouns)}) noun=$word ;; esac
        done
        case "$noun $verb" in
        ' ') words='{' '.join(nouns)}' ;;
{chr(10).join(f"        '{noun} ') words='{' '.join(verb for verb, _ in verbs)}' ;;" for noun, verbs in nouns.items())}
        *) words= ;;
        esac
    fi""" for command, nouns in nested.items())
    return f"""# Completion of {name} for bash.
{function}() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} words= word noun= verb=
    if [ "$COMP_CWORD" = 1 ]; then
        words='{' '.join(command for command, _ in commands)}'
    else
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    fi{words}
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F {function} {name}
"""


def zsh_completion(name, commands, groups, nested):
    def found(rows):
        return "found=(" + "".join(" " + quoted(f"{word}:{summary}".rstrip(":")) for word, summary in rows) + " )"
    cases = "\n".join(f"        {'|'.join(together)}) {found(options)} ;;" for together, options in groups)
    words = "".join(f"""
    elif [[ ${{words[2]}} == {command} ]]; then
        for word in "${{(@)words[3,CURRENT-1]}}"; do
            if [[ -n $noun ]]; then verb=$word; break; fi
            case $word in {'|'.join(nouns)}) noun=$word ;; esac
        done
        case "$noun $verb" in
        ' ') {found((noun, '') for noun in nouns)} ;;
{chr(10).join(f"        '{noun} ') {found(verbs)} ;;" for noun, verbs in nouns.items())}
        esac""" for command, nouns in nested.items())
    return f"""#compdef {name}
# Completion of {name} for zsh.
_{name}() {{
    local -a found
    local word noun verb
    if (( CURRENT == 2 )); then
        {found(commands)}
    elif [[ $PREFIX == -* ]]; then
        case ${{words[2]}} in
{cases}
        esac{words}
    fi
    _describe {name} found || _files
}}
if [ "${{funcstack[1]}}" = _{name} ]; then _{name} "$@"; else compdef _{name} {name}; fi
"""


def fish_completion(name, commands, groups, nested):
    def row(condition, what, summary):
        return f"complete -c {name} -n {condition} {what} -d " + quoted(summary.replace("\\", "\\\\"), "\\'")
    lines = [row("__fish_use_subcommand", f"-f -a {command}", summary) for command, summary in commands]
    lines += [row(f"'__fish_seen_subcommand_from {' '.join(together)}'", f"-l {option[2:]}", summary)
              for together, options in groups for option, summary in options]
    at = f"__{name.replace('-', '_')}_at"
    for command, nouns in nested.items():
        # Whether of the words so far the noun, and what follows it, are these.
        lines.append(f"""function {at}
    set -l said
    for word in (commandline -opc)[3..-1]
        if set -q said[1]
            set said $said $word
            break
        else if contains -- $word {' '.join(nouns)}
            set said $word
        end
    end
    test "$said" = "$argv"
end""")
        within = f"__fish_seen_subcommand_from {command}; and {at}"
        lines += [row(f"'{within}'", f"-f -a {noun}", ", ".join(verb for verb, _ in verbs)) for noun, verbs in nouns.items()]
        lines += [row(f"'{within} {noun}'", f"-f -a {verb}", summary) for noun, verbs in nouns.items() for verb, summary in verbs]
    return f"# Completion of {name} for fish.\n" + "\n".join(lines) + "\n"


# What writes them, and as which file a shell looks for them.
SHELLS = {
    "bash": (bash_completion, "{}"),
    "zsh": (zsh_completion, "_{}"),
    "fish": (fish_completion, "{}.fish"),
}


def write_completions(folder, program, name):
    for shell, (complete, path) in SHELLS.items():
        text = (say(program, "completion", shell) if name == "berth" else
                complete(name, *commands_and_options(program, name), nested_of(program, name)))
        (folder / shell).mkdir(parents=True, exist_ok=True)
        (folder / shell / path.format(name)).write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    args = parser.parse_args()
    for folder in ("man", "etc"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    for name in TITLES:
        program = str(args.bin / name)
        page = man_page(program, name).encode()
        with open(args.out / "man" / f"{name}.1.gz", "wb") as file:
            file.write(gzip.compress(page, mtime=0))
        write_completions(args.out / "completion", program, name)
    (args.out / "etc" / "berthd.conf").write_text(
        say(str(args.bin / "berthd"), "config").replace("#data DIR", "data /var/lib/berth", 1))
    (args.out / "etc" / "host.conf.sample").write_text(say(str(args.bin / "berth-host"), "config"))


if __name__ == "__main__":
    main()
