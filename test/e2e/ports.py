# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that are started here, and again where they ended."""

import pathlib
import random
import socket


def free_port():
    """Below those that the kernel gives to whoever dials out meanwhile: one of those is free now, and may be somebody's by the time that
    the server listens, or between its end and its next start."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(first // 2, first)))
                return probe.getsockname()[1]
            except OSError:
                continue
