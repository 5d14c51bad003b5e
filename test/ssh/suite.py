# SPDX-License-Identifier: Apache-2.0
"""What every test of the way in starts from: one instance, its keys and its port."""

import subprocess

from host import PORT
from patience import check, wait_until

P = "/probe/probe"
INSTANCE = 12
STOPPED = "instance 12 is stopped: start it with `berth start instance 12`"


def expect(result, code=0, out=None, err=None):
    """A finished client that ended so, and said so."""
    shown = f"exit {result.returncode}, {result.stdout[:200]!r}, {result.stderr[:300]!r}"
    check(result.returncode == code, f"wanted exit {code}: {shown}")
    if out is not None:
        check(result.stdout == (out if isinstance(out, bytes) else out.encode()), f"wanted {out!r}: {shown}")
    if err is not None:
        check(err.encode() in result.stderr, f"wanted {err!r} on stderr: {shown}")
    return result


def fnv(data):
    # As the probe has it. Slow in Python: for small data.
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 % (1 << 64)
    return f"{len(data)} {value:016x}\n"


class Suite:
    def __init__(self, host):
        self.host = host
        self.container = host.start_container()
        self.folder = host.folder
        self.publish()
        # The table is on its way when the gateway has said that it took it.
        wait_until("the port", 10, lambda: host.ssh("--", f"{P} exit 0").returncode == 0)

    def publish(self, container="same", keys="same", state=STOPPED):
        self.container = self.container if container == "same" else container
        keys = self.host.keys if keys == "same" else keys
        self.host.update([(INSTANCE, PORT, self.container, keys, state)])

    def tool(self, *words, **more):
        return subprocess.run([str(word) for word in words], capture_output=True, timeout=120, check=False,
                              cwd=self.folder, **more)

    def scp(self, *words, legacy=False):
        return self.tool("scp", *(["-O"] if legacy else []), "-q", *self.host.options(), "-P", PORT, *words)

    def running(self, what):
        return [line for line in self.host.engine.processes(self.container) if what in line]
