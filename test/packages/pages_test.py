#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Manual pages, completions and sample configurations, as tools/pages.py makes them for the packages: the pages are right for man
(and for mandoc, where there is one), bash takes the completions, and a sample has every option of the settings' table, once."""

import gzip
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

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


def look_at_completion(made, name, program):
    subprocess.run(["bash", "-n", made / "completion" / name], check=True)
    function = "_" + name.replace("-", "_")
    offered = subprocess.run(["bash", "-c", f"source {made}/completion/{name}; COMP_WORDS=({name} ''); COMP_CWORD=1; {function}; "
                              "echo ${COMPREPLY[@]}"], capture_output=True, text=True, check=True,
                             env={"PATH": f"{program.parent}:/usr/bin:/bin"}).stdout.split()
    said = subprocess.run([program, "help"], capture_output=True, text=True, check=True).stdout
    known = re.findall(r"^  ([a-z][a-z-]*)\b" if name == "berth" else rf"^ *{name} ([a-z-]+)", said, re.M)
    missing = set(known) - set(offered)
    assert known and not missing, f"{name}: not completed: {sorted(missing)}"


def options_of(text):
    return re.findall(r"^ +--([a-z][a-z-]*)", text, re.M)


def look_at_sample(path, help_text, others):
    kept = re.findall(r"^#?([a-z][a-z-]*)(?: |$)", path.read_text(), re.M)
    twice = {name for name in kept if kept.count(name) > 1}
    assert not twice, f"{path.name} has twice {sorted(twice)}"
    known = set(options_of(help_text)) - others
    assert len(known) > 15 and known == set(kept) - others, f"{path.name}: {sorted(known ^ (set(kept) - others))}"
    return len(kept)


def main():
    binary = pathlib.Path(sys.argv[sys.argv.index("--bin") + 1]).resolve()
    with tempfile.TemporaryDirectory(prefix="berth-pages-") as name:
        folder = pathlib.Path(name)
        made = folder / "made"
        subprocess.run([sys.executable, "-B", ROOT / "tools/pages.py", "--bin", binary, "--out", made], check=True)
        looks = 0
        for program in PROGRAMS:
            looks += look_at_page(made, program, folder)
            look_at_completion(made, program, binary / program)
        serve = subprocess.run([binary / "berthd", "serve", "--help"], capture_output=True, text=True, check=True).stdout
        host = subprocess.run([binary / "berth-host", "help"], capture_output=True, text=True, check=True).stdout
        settings = look_at_sample(made / "etc/berthd.conf", serve, COMMAND_LINE_ALONE)
        settings += look_at_sample(made / "etc/host.conf.sample", host, COMMAND_LINE_ALONE | HOST_ALONE)
    print(f"{len(PROGRAMS)} pages, held to {looks // len(PROGRAMS)} of man and mandoc; {settings} settings\n1 passed, 0 failed")


if __name__ == "__main__":
    main()
