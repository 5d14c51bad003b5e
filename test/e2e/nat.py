# SPDX-License-Identifier: Apache-2.0
"""A small internet of network namespaces: a host behind a router that translates addresses, and the
market's server and renters in the open.

    net (203.0.113.10, .20) ── wan ── router (203.0.113.1 | 192.168.77.1) ── lan ── host (192.168.77.2)

Nothing from outside reaches the host. A test program calls main(run), which makes all of it, enters
`net`, and takes it away again."""

import argparse
import os
import socket
import ssl
import subprocess
import sys

from market import Market
from patience import Failure
import market

SERVER = "203.0.113.20"
RENTER = "203.0.113.10"
DOOR = 17700
METRICS = f"http://{SERVER}:18081/metrics"


class Topology:
    def __init__(self, tag):
        self.tag = tag
        self.places = ["net", "router", "host", "host2"]

    def name(self, place):
        return f"berth-{place}-{self.tag}"

    def enter(self, place):
        return ["nsenter", f"--net=/run/netns/{self.name(place)}"]

    def do(self, place, *command):
        subprocess.run([*self.enter(place), *command], check=True, capture_output=True)

    def wire(self, number, one, two):
        """A cable between two places; returns the names of its ends."""
        ends = [f"b{number}{side}{self.tag % 100000}" for side in "ab"]
        subprocess.run(["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]], check=True)
        for end, place in zip(ends, (one, two)):
            subprocess.run(["ip", "link", "set", end, "netns", self.name(place)], check=True)
            self.do(place, "ip", "link", "set", end, "up")
        return ends

    def make(self):
        for place in ("net", "router", "host"):
            subprocess.run(["ip", "netns", "add", self.name(place)], check=True)
            self.do(place, "ip", "link", "set", "lo", "up")
        wan, net = self.wire(0, "router", "net")
        lan, host = self.wire(1, "router", "host")
        for address in (RENTER, SERVER):
            self.do("net", "ip", "addr", "add", f"{address}/24", "dev", net)
        self.do("router", "ip", "addr", "add", "203.0.113.1/24", "dev", wan)
        self.do("router", "ip", "addr", "add", "192.168.77.1/24", "dev", lan)
        self.do("host", "ip", "addr", "add", "192.168.77.2/24", "dev", host)
        self.do("host", "ip", "route", "add", "default", "via", "192.168.77.1")
        self.do("router", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        rules = f"""
table ip nat {{
    chain post {{
        type nat hook postrouting priority 100
        oifname "{wan}" masquerade
    }}
}}
table inet filter {{
    chain forward {{
        type filter hook forward priority 0
        iifname "{wan}" ct state new drop
    }}
}}
"""
        subprocess.run([*self.enter("router"), "nft", "-f", "-"], input=rules.encode(), check=True)

    def add_host(self):
        """Another host, `host2`, on another LAN behind the same router: neither host reaches the other."""
        subprocess.run(["ip", "netns", "add", self.name("host2")], check=True)
        self.do("host2", "ip", "link", "set", "lo", "up")
        lan, host = self.wire(2, "router", "host2")
        self.do("router", "ip", "addr", "add", "192.168.78.1/24", "dev", lan)
        self.do("host2", "ip", "addr", "add", "192.168.78.2/24", "dev", host)
        self.do("host2", "ip", "route", "add", "default", "via", "192.168.78.1")
        self.do("router", "nft", "insert", "rule", "inet", "filter", "forward", "ip", "saddr", "192.168.0.0/16",
                "ip", "daddr", "192.168.0.0/16", "drop")

    def remove(self):
        for place in self.places:
            subprocess.run(["ip", "netns", "del", self.name(place)], check=False, stderr=subprocess.DEVNULL)

    def uplink(self, state):
        """"down" or "up": nothing passes the router, which keeps its table of translations, as one does
        whose line is dead. (Taking its interface down would empty that table.)"""
        if state == "up":
            self.do("router", "nft", "delete", "table", "inet", "cut")
            return
        rules = "table inet cut {\n chain line {\n type filter hook forward priority -10; policy drop;\n }\n}\n"
        subprocess.run([*self.enter("router"), "nft", "-f", "-"], input=rules.encode(), check=True)


def make_market(topology, bin_dir, **more):
    """A market in `net` whose host is in the other namespace and has a relay to dial."""
    return Market(bin_dir, listen=f"{SERVER}:18080", host_prefix=topology.enter("host"),
                  public_ip=None, server_options=["--relay-ports", "22000-22099", "--relay-listen",
                                                  f"{SERVER}:{DOOR}", "--metrics-listen", f"{SERVER}:18081"], **more)


def make_certificate(folder):
    """One that the relay's owner makes, and the server's options that use it."""
    files = [str(folder / name) for name in ("relay.pem", "relay.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=relay", "-days", "2", "-out", files[0], "-keyout", files[1]], check=True,
                   capture_output=True)
    return ["--relay-cert", files[0], "--relay-key", files[1]]


def make_web_certificate(folder):
    """An authority of the test's own, its certificate for the relay's address as an operator would have one,
    and the server's options that show it to browsers. The authority is folder/ca.pem."""

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    if not (folder / "ca.pem").exists():
        openssl("req", "-x509", *curve, "-subj", "/CN=Test authority", "-days", 2, "-out", folder / "ca.pem",
                "-keyout", folder / "ca.key")
    openssl("req", *curve, "-subj", "/CN=relay", "-out", folder / "web.csr", "-keyout", folder / "web.key.new")
    (folder / "web.ext").write_text(f"subjectAltName=IP:{SERVER}\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", folder / "web.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
            "-CAcreateserial", "-days", 2, "-extfile", folder / "web.ext", "-out", folder / "web.pem.new")
    for name in ("web.pem", "web.key"):
        (folder / f"{name}.new").rename(folder / name)
    return ["--relay-https-cert", str(folder / "web.pem"), "--relay-https-key", str(folder / "web.key")]


def is_tls():
    """Whether a stranger who dials the relay as hosts do finishes a handshake of TLS 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((SERVER, DOOR), 10) as plain, context.wrap_socket(plain) as secret:
        return secret.version() == "TLSv1.3"


def main(run):
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--inside", type=int)
    parser.add_argument("--cut", type=float, default=8.0, help="seconds without an uplink")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    options.bin = os.path.abspath(options.bin)
    if options.inside is None:
        reason = market.why_no_engine()
        if reason:
            market.skip(reason)
        topology = Topology(os.getpid())
        try:
            topology.make()
            command = [*topology.enter("net"), sys.executable, *sys.argv, "--inside", str(os.getpid())]
            sys.exit(subprocess.run(command, check=False).returncode)
        finally:
            topology.remove()
    topology = Topology(options.inside)
    try:
        run(options, topology)
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        sys.exit(1)
