#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenSSH's clients against real containers of one kind of image: busybox (a shell and no libc), single
(one static file, no shell, no accounts, no folders) or debian; directly, or through a relay as to a host
behind NAT."""

import argparse
import os
import pathlib
import subprocess
import sys
import time

from host import Host, debian_tar, in_namespace, skip, why_not
from patience import Failure
import matrix
from suite_commands import Commands
from suite_entry import Entry
from suite_files import Files
from suite_forwards import Forwards
from suite_sessions import Sessions

PARTS = (Commands, Sessions, Files, Forwards, Entry)


class Everything(*PARTS):
    """All of it on one container, in this order: what breaks things comes last."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    parser.add_argument("--image", default="busybox", choices=sorted(Host.KIND))
    parser.add_argument("--relay", action="store_true", help="through a relay and a host's tunnel")
    parser.add_argument("--only", default="", help="tests whose name has this")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not options.inside:
        if reason := why_not():
            skip(reason)
        if options.image == "debian":
            debian_tar()
        sys.exit(in_namespace(sys.argv))
    passed, failed = set(), 0
    names = [name for part in PARTS for name in vars(part) if name.startswith("test_") and options.only in name]
    with Host(options.bin.resolve(), options.image, options.relay) as host:
        suite = Everything(host)
        for name in names:
            began = time.monotonic()
            try:
                getattr(suite, name)()
                passed.add(name[5:])
                print(f"ok {name[5:]} ({time.monotonic() - began:.2f} s)", flush=True)
            except (Failure, OSError, subprocess.SubprocessError, IndexError, ValueError) as failure:
                failed += 1
                print(f"not ok {name[5:]}: {failure}", flush=True)
        if failed:
            print((host.folder / "gateway.log").read_text()[-4000:])
    is_whole = bool(options.only) or matrix.report(passed, {name[5:] for name in names}, host.shell)
    print(f"{len(passed)} passed, {failed} failed")
    sys.exit(0 if is_whole and not failed else 1)


if __name__ == "__main__":
    main()
