#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Containment, tried from within: a host behind a router, a neighbour on its LAN, a box on the internet,
two renters; and every way out that a guest has. Each probe first finds its way out of an instance
without walls, so that none passes for being broken.

    internet 203.0.113.10, 8.8.8.8 ── router 203.0.113.1 / 192.168.77.1 ── LAN box 192.168.77.10
                                                     └── host 192.168.77.2 ── guests 10.200.x.y"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from market import Market, main, steps
from patience import check, wait_until

ECHO = """
import selectors, socket, sys
name, ports = sys.argv[1].encode() + b"\\n", [int(p) for p in sys.argv[2:]]
selector = selectors.DefaultSelector()
for port in ports:
    for family, kind in ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM),
                         (socket.AF_INET6, socket.SOCK_STREAM)):
        s = socket.socket(family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        selector.register(s, selectors.EVENT_READ, kind)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.data == socket.SOCK_STREAM:
            c, _ = key.fileobj.accept()
            try:
                c.sendall(name)
            except OSError:
                pass
            c.close()
        else:
            _, peer = key.fileobj.recvfrom(2048)
            key.fileobj.sendto(name, peer)
            print("from", peer[0], flush=True)
"""

# All at once: what gets no answer costs its time only once.
PROBE = """
import concurrent.futures, json, socket, sys
def probe(target):
    address, port, *how = target.split()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if how else socket.SOCK_STREAM) as s:
        s.settimeout(1.5)
        try:
            s.connect((address, int(port)))
            s.send(b"x")
            return s.recv(100).decode().strip()
        except OSError:
            return ""
with concurrent.futures.ThreadPoolExecutor(40) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(probe, sys.argv[1:])))))
"""


# Twenty megabytes "up" or "down", and the seconds that they took: with an address from there or to
# there, without one the far end.
SIZE = 20_000_000
FLOW = f"""
import socket, sys, time
def send(s):
    s.sendall(bytes({SIZE}))
    s.shutdown(socket.SHUT_WR)
def receive(s):
    count = 0
    while piece := s.recv(1 << 16):
        count += len(piece)
    assert count == {SIZE}, count
if len(sys.argv) < 3:
    listener = socket.create_server(("0.0.0.0", 7100))
    print("ready", flush=True)
    peer, _ = listener.accept()
    receive(peer) if sys.argv[1] == "up" else send(peer)
    peer.close()
    time.sleep(30)
began = time.monotonic()
s = socket.create_connection((sys.argv[2], 7100), 10)
s.settimeout(30)
if sys.argv[1] == "up":
    send(s)
    s.recv(1)
else:
    receive(s)
print(time.monotonic() - began)
"""


class Topology:
    def __init__(self):
        self.id = os.getpid()
        self.names = {kind: f"berth-{self.id}-{kind}" for kind in ("rt", "net", "box")}
        self.echoes = []
        self.logs = {}

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for echo in self.echoes:
            echo.kill()
            echo.wait()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)

    def sh(self, where, script, **more):
        prefix = [] if where == "host" else ["nsenter", f"--net=/run/netns/{self.names[where]}"]
        return subprocess.run(prefix + ["sh", "-ec", script], check=more.pop("check", True),
                              capture_output=True, text=True, timeout=60, **more)

    def build(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "add", name], check=True)
        for where, peer, end in (("net", "wan", "w0"), ("box", "lan", "l0")):
            self.sh("rt", f"ip link add {end} type veth peer name {peer} netns {self.names[where]}")
        self.sh("rt", f"ip link add h0 type veth peer name up0 netns {os.getpid()}")
        self.sh("rt", "ip link set lo up; ip link add lan0 type bridge; ip link set lan0 up;"
                      "ip link set l0 master lan0 up; ip link set h0 master lan0 up;"
                      "ip addr add 192.168.77.1/24 dev lan0; ip addr add 203.0.113.1/24 dev w0;"
                      "ip link set w0 up; ip route add default via 203.0.113.10;"
                      "echo 1 >/proc/sys/net/ipv4/ip_forward")
        self.sh("rt", "nft -f - <<'END'\ntable ip nat {\n"
                      " chain pre { type nat hook prerouting priority -100;"
                      " ip daddr 203.0.113.1 tcp dport 42000-42099 dnat to 192.168.77.2; }\n"
                      " chain post { type nat hook postrouting priority 100; oifname \"w0\" masquerade;"
                      " iifname \"lan0\" oifname \"lan0\" masquerade; }\n}\nEND")
        self.sh("net", "ip link set lo up; ip addr add 203.0.113.10/24 dev wan; ip link set wan up;"
                       "ip addr add 8.8.8.8/32 dev lo; ip addr add 1.1.1.1/32 dev lo")
        self.sh("box", "ip link set lo up; ip addr add 192.168.77.10/24 dev lan; ip link set lan up;"
                       "ip route add default via 192.168.77.1; ip route add 10.200.0.0/16 via 192.168.77.2;"
                       "for a in 10.5.5.5 172.16.5.5 100.64.0.5 198.18.0.5; do ip addr add $a/32 dev lo; done")
        self.sh("host", "ip addr add 192.168.77.2/24 dev up0; ip link set up0 up;"
                        "ip route add default via 192.168.77.1;"
                        "for a in 10.5.5.5 172.16.5.5 100.64.0.5 198.18.0.5; do"
                        " ip route add $a/32 via 192.168.77.10; done")
        for where in ("net", "box", "rt", "host"):
            self.echo(where, where, 7000, 25)

    def echo(self, where, name, *ports):
        prefix = [] if where == "host" else ["nsenter", f"--net=/run/netns/{self.names[where]}"]
        log = open(f"/var/tmp/berth-echo-{self.id}-{where}", "w+", encoding="utf-8")
        os.unlink(log.name)
        process = subprocess.Popen(prefix + [sys.executable, "-c", ECHO, name, *map(str, ports)],
                                   stdout=log)
        self.echoes.append(process)
        self.logs[where] = log
        wait_until(f"{name} listens", 20, lambda: "ready" in self.said(where))

    def said(self, where):
        self.logs[where].flush()
        position = os.pread(self.logs[where].fileno(), 1 << 20, 0)
        return position.decode()


# Left to `make contain`: they wait for limits, restarts and watches.
SLOW = ("a_guest_with_every_privilege_stays_inside", "walls_stay_when_the_engine_restarts",
        "walls_are_put_up_again", "a_slow_guest_is_slow", "a_renter_slows_their_own_and_no_other")


class Contain:
    def __init__(self, market, topology, is_quick):
        self.is_quick = is_quick
        self.market, self.net = market, topology
        self.guest = self.other = None

    def cases(self):
        names = ["two_instances_without_walls", "without_walls_every_probe_gets_out",
                 "an_agent_puts_walls_around_who_is_there", "nothing_gets_out",
                 "what_is_wanted_works", "a_guest_with_every_privilege_stays_inside",
                 "nobody_gets_in_but_by_published_ports", "walls_stay_when_the_engine_restarts",
                 "walls_are_put_up_again", "the_next_instance_is_walled_off_from_the_start",
                 "a_slow_guest_is_slow", "a_renter_slows_their_own_and_no_other", "nothing_is_left"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names
                if not self.is_quick or name not in SLOW]

    # Helpers

    def offer(self):
        return wait_until("an offer of one GPU", 20, lambda: [
            o for o in self.market.offers() if o["num_gpus"] == 1])[0]["id"]

    def rent(self, user):
        offer = self.offer()
        number = self.market.rent(offer, image="bb:1", user=user, disk=1,
                                  env={"-p 8081:8081": "1"},
                                  onstart="while :; do echo guest | nc -l -p 8081; done &")
        self.market.wait_running(number, user=user)
        return number

    def inside(self, number, script, user="ada"):
        """What a shell in the container prints; by the engine, so that it works for anybody's."""
        pid = self.pid(number)
        done = subprocess.run(["nsenter", "-t", str(pid), "-n", "-m", "-p", "-u", "-r", "-w",
                               "/bin/sh", "-c", script], capture_output=True, text=True, timeout=120,
                              check=False, env={"PATH": "/bin"})
        return done.stdout + done.stderr

    def container(self, number):
        return next(c for c in self.market.containers() if c["Labels"]["berth.instance"] == str(number))

    def inspect(self, number):
        return json.loads(self.market.engine("GET", f"/v1.41/containers/{self.container(number)['Id']}/json")[1])

    def pid(self, number):
        return self.inspect(number)["State"]["Pid"]

    def address(self, number):
        """In its own network namespace, whoever holds it."""
        text = self.inside(number, "ip -4 addr show eth0")
        return text.split("inet ")[1].split("/")[0]

    def port(self, number, user):
        return int(self.market.instance(number, user)["ports"]["8081/tcp"][0]["HostPort"])

    def reach(self, number, targets):
        """{target: answer} of tries from its network: 'address port' by TCP, 'address port u' by UDP."""
        done = subprocess.run(["nsenter", "-t", str(self.pid(number)), "-n", sys.executable, "-c", PROBE,
                               *targets], capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == 0, f"probes: {done.stderr}")
        return json.loads(done.stdout)

    def denied(self):
        gateway = self.address(self.guest).rsplit(".", 1)
        gateway = f"{gateway[0]}.{int(gateway[1]) // 8 * 8 + 1}"
        return {
            "192.168.77.10 7000": "a neighbour", "192.168.77.10 7000 u": "a neighbour by UDP",
            "10.5.5.5 7000": "a private network", "172.16.5.5 7000": "another",
            "100.64.0.5 7000": "the carrier's network", "198.18.0.5 7000": "a test network",
            "192.168.77.1 7000": "the router", "203.0.113.1 7000": "the router's other side",
            "192.168.77.2 7000": "the host", f"{gateway} 7000 u": "the host by UDP",
            f"{gateway} 7000": "the host as gateway",
            f"192.168.77.2 {self.port(self.other, 'bo')}": "another guest's published port",
            f"203.0.113.1 {self.port(self.other, 'bo')}": "the same by the router's address",
            f"{gateway} {self.port(self.other, 'bo')}": "the same by the gateway's",
            "203.0.113.10 25": "mail",
        }

    def start_host(self, *options):
        self.market.stop_host()
        self.market.host_options = ["--public-ip", "203.0.113.1", *options]
        self.market.start_host()

    def tables(self):
        lines = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
        return [line.split()[-1] for line in lines.splitlines() if "inet berth_" in line]

    def blocked(self):
        answers = self.reach(self.guest, self.denied())
        check(len(answers) == len(self.denied()), f"every probe was made: {answers}")
        out = {f"{self.denied()[t]} ({t})": a for t, a in answers.items() if a}
        check(not out, f"these got out: {out}")

    # Cases

    def two_instances_without_walls(self):
        self.market.import_busybox()
        self.market.list_machine()
        self.guest, self.other = self.rent("ada"), None
        self.other = self.rent("bo")
        check(not self.tables(), f"no table was asked for: {self.tables()}")

    def without_walls_every_probe_gets_out(self):
        answers = self.reach(self.guest, self.denied())
        stuck = [f"{self.denied()[t]} ({t})" for t, a in answers.items() if not a]
        # The engine's own rules keep guests from each other's published ports by the host's addresses.
        stuck = [s for s in stuck if "published" not in s and "the same" not in s]
        check(not stuck, f"these probes do not work at all: {stuck}")

    def an_agent_puts_walls_around_who_is_there(self):
        self.start_host("--pool", "1")
        check(len(self.tables()) == 1, f"one table: {self.tables()}")

    def nothing_gets_out(self):
        wait_until("the host knows its public address", 20, self.knows_public)
        self.blocked()

    def knows_public(self):
        text = subprocess.run(["nft", "list", "set", "inet", self.tables()[0], "near"],
                              capture_output=True, text=True, check=True).stdout
        return "203.0.113.1" in text

    def what_is_wanted_works(self):
        answers = self.reach(self.guest, ["203.0.113.10 7000", "8.8.8.8 7000", "203.0.113.10 7000 u"])
        check(set(answers.values()) == {"net"}, f"the internet: {answers}")
        port = self.port(self.guest, "ada")
        for where, address in (("box", "192.168.77.2"), ("net", "203.0.113.1"), ("host", "127.0.0.1"),
                               ("host", self.address(self.guest))):
            number = 8081 if address.startswith("10.") else port
            # Its server is away for a moment after each answer.
            wait_until(f"an answer of {number} of {address} to {where}", 10, lambda: self.net.sh(
                where, f"echo | timeout 5 busybox nc -w 3 {address} {number}", check=False).stdout == "guest\n", 0.3)
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.net.names['net']}",
                               *self.market.ssh_command(self.guest, "echo in")],
                              capture_output=True, text=True, timeout=60, check=False)
        check(done.stdout == "in\n", f"SSH from the internet: {done.stderr}")
        check("1 packets received" in self.inside(self.guest, "ping -c 1 -W 2 203.0.113.10"), "ping works")

    def privileged(self, script):
        """As root of the machine in the guest's network: what a guest would do that broke its cage."""
        return subprocess.run(["nsenter", "-t", str(self.pid(self.guest)), "-n", "sh", "-c", script],
                              capture_output=True, text=True, timeout=60, check=False)

    def a_guest_with_every_privilege_stays_inside(self):
        other = self.address(self.other)
        send = ("import socket,sys; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                "s.bind((sys.argv[1], 0)); [s.sendto(b'x', ('203.0.113.10', 7000)) for _ in range(3)]")
        for spoofed in ("203.0.113.77", other, "192.168.77.10"):
            before = self.net.said("net").count("from")
            done = self.privileged(f"ip addr add {spoofed}/32 dev eth0 && {sys.executable} -c \"{send}\" {spoofed};"
                                   f" ip addr del {spoofed}/32 dev eth0")
            check(done.returncode == 0, f"spoof {spoofed}: {done.stderr}")
            time.sleep(0.3)
            check(self.net.said("net").count("from") == before, f"a packet from {spoofed} came out")
        # IPv6, with link-local addresses on both sides of the bridge, and a global one.
        bridge = self.bridge(self.guest)
        self.net.sh("host", f"echo 0 >/proc/sys/net/ipv6/conf/{bridge}/disable_ipv6;"
                            f"ip -6 addr add fe80::1/64 dev {bridge} nodad;"
                            f"ip -6 addr add fd00::1/64 dev {bridge} nodad")
        done = self.privileged(
            "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; ip -6 addr add fd00::2/64 dev eth0 nodad;"
            "ip -6 route add default via fd00::1; sleep 0.3;"
            f"{sys.executable} -c \"import socket\nfor a in (('fd00::1',7000,0,0),"
            "('fe80::1',7000,0,socket.if_nametoindex('eth0')),('2001:db8::1',7000,0,0)):\n"
            " s=socket.socket(socket.AF_INET6); s.settimeout(1)\n"
            " try:\n  s.connect(a); print('out by', a[0])\n"
            " except OSError as e: print('no', a[0])\"")
        check(done.stdout.count("no ") == 3 and "out by" not in done.stdout,
              f"IPv6: {done.stdout}{done.stderr}")
        # An address on the LAN's side, and a neighbour's network routed into the bridge.
        done = self.privileged("ip addr add 192.168.77.99/24 dev eth0; ip route add 192.168.77.10/32 dev eth0;"
                               "echo | busybox nc -w 2 192.168.77.10 7000; ip addr del 192.168.77.99/24 dev eth0")
        check("box" not in done.stdout, "a guest that says it is on the LAN reaches it")

    def bridge(self, number):
        text = subprocess.run(["nsenter", "-t", str(self.pid(number)), "-n", "ip", "-o", "link", "show",
                               "eth0"], capture_output=True, text=True, check=True).stdout
        index = text.split("eth0@if")[1].split(":")[0]
        lines = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
        veth = next(line for line in lines.splitlines() if line.startswith(f"{index}: "))
        return veth.split("master ")[1].split()[0]

    def nobody_gets_in_but_by_published_ports(self):
        address = self.address(self.guest)
        said = self.net.sh("box", f"echo | timeout 4 busybox nc -w 2 {address} 8081", check=False).stdout
        check(said == "", f"the LAN reaches a guest directly: '{said}'")
        answers = self.reach(self.other, [f"{address} 8081"])
        check(not any(answers.values()), f"a guest reaches another: {answers}")

    def walls_stay_when_the_engine_restarts(self):
        before = self.tables()
        self.market.kill("engine")
        self.market.wait_engine()
        wait_until("the host sees its engine again", 60,
                   lambda: self.market.instance(self.guest)["actual_status"] == "running")
        check(self.tables() == before, f"the table stays: {self.tables()}")
        self.blocked()

    def walls_are_put_up_again(self):
        subprocess.run(["nft", "delete", "table", "inet", self.tables()[0]], check=True)
        wait_until("the walls are there again", 20, self.tables)
        self.blocked()
        self.market.host.kill()
        self.market.host.wait()
        self.market.start_host()
        self.blocked()

    def the_next_instance_is_walled_off_from_the_start(self):
        self.market.destroy(self.guest)
        offer = self.offer()
        # Ten tries of three, side by side: what is refused says so at once, what is dropped is waited for.
        tries = ("(for i in 1 2 3 4 5 6 7 8 9 10; do for a in 192.168.77.10 192.168.77.2 10.5.5.5; do"
                 " echo | timeout 2 nc -w 1 $a 7000 >>/root/out 2>/dev/null & done; sleep 0.1; done;"
                 " wait; echo end >>/root/done) &"
                 " while :; do echo guest | nc -l -p 8081; done &")
        self.guest = self.market.rent(offer, image="bb:1", disk=1, onstart=tries, env={"-p 8081:8081": "1"})
        self.market.wait_running(self.guest)
        wait_until("it has tried thirty times", 60,
                   lambda: "end" in self.inside(self.guest, "cat /root/done"))
        said = self.inside(self.guest, "cat /root/out")
        check(said.strip() == "", f"its first packets got out: {said}")
        self.blocked()

    def a_slow_guest_is_slow(self):
        self.start_host("--guest-up", "40", "--guest-down", "80")
        wait_until("the limits are there", 30, lambda: "rate over" in subprocess.run(
            ["nft", "list", "table", "inet", self.tables()[0]], capture_output=True, text=True,
            check=True).stdout)
        self.is_slow((("up", 40), ("down", 80)))

    def a_renter_slows_their_own_and_no_other(self):
        """Tighter than the host does, and after a restart; looser than that is the host's still."""
        self.market.berth("set", "rules", str(self.guest), "--limit-up", "16", "--limit-down", "400")
        bridge = self.bridge_of(self.guest)
        wait_until("the limit is there", 30, lambda: "2000000 bytes/second" in self.limit_of("up", bridge))
        self.is_slow((("up", 16), ("down", 80)))
        check("2000000 bytes" not in self.limit_of("up", self.bridge_of(self.other)), "the other is as it was")
        check(self.market.instance(self.guest)["limit_up_mbit"] == 16, "the API shows it")
        self.market.berth("reboot", "instance", str(self.guest))
        time.sleep(2)
        self.market.wait_running(self.guest)
        wait_until("the limit is there again", 30, lambda: "2000000 bytes/second" in self.limit_of("up", bridge))
        self.is_slow((("up", 16),))
        self.market.berth("set", "rules", str(self.guest), "--limit-up", "0", "--limit-down", "0")
        wait_until("it is lifted", 30, lambda: "5000000 bytes/second" in self.limit_of("up", bridge))
        self.is_slow((("up", 40),))

    def bridge_of(self, number):
        said = subprocess.run([self.market.bin / "berth-host", "status", "--data", self.market.dir / "host"],
                              capture_output=True, text=True, check=True).stdout
        return re.search(rf"^instance {number}: network (bt[0-9]+),", said, re.M)[1]

    def limit_of(self, direction, bridge):
        return subprocess.run(["nft", "list", "limit", "inet", self.tables()[0], f"{direction}_{bridge}"],
                              capture_output=True, text=True, check=False).stdout

    def is_slow(self, limits):
        for direction, mbit in limits:
            rate = mbit * 125_000
            # What the kernel's bucket holds, a second's and an eighth of one's, is let through at once.
            least = SIZE / rate - 1.125
            took = self.seconds_for(direction)
            check(least < took < 2 * SIZE / rate,
                  f"{SIZE} bytes {direction} at {mbit} Mbit/s took {took:.2f} s, not {least:.2f} at least")

    def seconds_for(self, direction):
        """Between the guest and the internet."""
        wait_until("the instance runs", 20, lambda: self.pid(self.guest) > 0)
        prefix = ["nsenter", f"--net=/run/netns/{self.net.names['net']}"]
        with subprocess.Popen([*prefix, sys.executable, "-c", FLOW, direction], stdout=subprocess.PIPE, text=True) as far:
            check(far.stdout.readline() == "ready\n", "the far end listens")
            done = subprocess.run(["nsenter", "-t", str(self.pid(self.guest)), "-n", sys.executable, "-c", FLOW,
                                   direction, "203.0.113.10"], capture_output=True, text=True, timeout=60, check=False)
            far.kill()
        check(done.returncode == 0, f"{direction}: {done.stderr}")
        return float(done.stdout)

    def walled(self):
        text = subprocess.run(["nft", "list", "set", "inet", self.tables()[0], "guests"],
                              capture_output=True, text=True, check=True).stdout
        return sorted(re.findall('"(bt[0-9]+)"', text))

    def nothing_is_left(self):
        table = self.tables()[0]  # and what an agent that was killed would leave
        subprocess.run(["nft", "add", "element", "inet", table, "guests", '{ "bt77" }'], check=True)
        self.market.destroy(self.guest)
        self.market.destroy(self.other, user="bo")
        self.market.wait_pool()
        wait_until("only what was made ahead has walls", 40,
                   lambda: self.walled() == sorted(self.market.networks()))
        self.market.host.send_signal(signal.SIGTERM)
        self.market.host.wait(30)
        check(not self.tables(), f"no table is left: {self.tables()}")


def run(options):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as gpus, Topology() as topology:
        gpus.write("RTX 4090, 24564, 2\n")
        gpus.flush()
        with Market(options.bin, host_options=["--open-network", "--public-ip", "203.0.113.1"],
                    simulate_gpus=gpus.name) as market:
            steps(Contain(market, topology, options.quick).cases())


def arguments(parser):
    parser.add_argument("--quick", action="store_true", help="without what takes long")


if __name__ == "__main__":
    sys.exit(main(run, arguments))
