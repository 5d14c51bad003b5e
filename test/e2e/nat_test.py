#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host behind NAT is as good as any: rented, worked in, stopped, started and destroyed through the
market's relay alone; an uplink that is cut costs nobody an instance, nor the renter a cent."""

import hashlib
import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.request

from market import steps
from nat import METRICS, SERVER, is_tls, main, make_certificate, make_market
from patience import Failure, check, wait_until

WEB = ("mkdir -p /www; echo hello > /www/index.html; busybox httpd -p 8081 -h /www; "
       "busybox httpd -p $VAST_TCP_PORT_70000 -h /www; [ ! -x /root/echo ] || /root/echo 9999 $VAST_UDP_PORT_70001")
ECHO = pathlib.Path(__file__).with_name("udp_echo.c")


class Journey:
    def __init__(self, market, topology, cut_s):
        self.market, self.topology, self.cut_s = market, topology, cut_s
        self.id = self.row = None

    def cases(self):
        names = ["the_host_is_not_reachable", "rents_it", "works_in_it", "copies_files", "reaches_a_port", "its_ports_are_told_inside", "datagrams",
                 "fifty_at_once", "the_command_to_paste", "half_a_connection", "bytes_are_counted_once",
                 "ports_stay_over_stop_and_start", "the_agent_starts_anew", "the_server_starts_anew",
                 "the_uplink_is_cut", "destroys_it"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def connect(self, port, timeout=10):
        return socket.create_connection((SERVER, int(port)), timeout)

    def the_host_is_not_reachable(self):
        self.market.list_machine()
        offer = wait_until("an offer", 6, self.market.offers)[0]
        check(offer["direct_port_count"] == 0, f"no direct ports: {offer['direct_port_count']}")
        for target in ("192.168.77.2", "203.0.113.1"):
            done = subprocess.run(["busybox", "nc", "-w", "1", target, "42000"], capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=10, check=False)
            check(done.returncode != 0, f"nothing of the host answers at {target}")
        self.offer = offer["id"]

    def rents_it(self):
        market = self.market
        self.id = market.rent(self.offer, "bb:1", env={"-p 8081:8081": "1", "-p 9000:9000": "1", "-p 9999:9999/udp": "1",
                                                              "-p 70000:70000": "1", "-p 70001:70001/udp": "1"},
                              onstart=WEB, runtype="ssh_proxy")
        self.row = market.wait_running(self.id)
        check(self.row["public_ipaddr"] == SERVER, f"the relay's address: {self.row['public_ipaddr']}")
        check(self.row["ssh_host"] == SERVER, f"ssh_host: {self.row['ssh_host']}")
        ports = {inside: int(where[0]["HostPort"]) for inside, where in self.row["ports"].items()}
        same = [inside for inside, outside in ports.items() if inside.split("/")[0] == str(outside)]
        check(set(ports) - set(same) == {"22/tcp", "8081/tcp", "9000/tcp", "9999/udp"}, f"all that was asked: {ports}")
        check(sorted(inside.split("/")[1] for inside in same) == ["tcp", "udp"], f"two are the same inside: {ports}")
        self.same = {inside.split("/")[1]: ports[inside] for inside in same}
        check(all(22000 <= port <= 22099 for port in ports.values()), f"the relay's: {ports}")
        check(self.row["ssh_port"] == ports["22/tcp"], "one SSH port")
        self.ports = ports

    def works_in_it(self):
        market = self.market
        check("Linux" in market.ssh(self.id, "uname -a").stdout, "uname")
        check(market.ssh(self.id, "exit 7", ok=False).returncode == 7, "the exit code comes back")
        check(market.ssh(self.id, "cat", input="to and fro\n").stdout == "to and fro\n", "standard input")
        own = market.berth("ssh", self.id, "-i", market.ssh_key, "--", "echo", "through", "berth",
                           stdin=subprocess.DEVNULL)
        check(own.stdout == "through berth\n", f"berth ssh: {own.stdout} {own.stderr}")
        url = market.berth("ssh-url", self.id).stdout
        check(url == f"ssh://root@{SERVER}:{self.ports['22/tcp']}\n", f"ssh-url: {url}")

    def copies_files(self):
        market = self.market
        data = os.urandom(20_000_000)
        (market.dir / "up").write_bytes(data)
        options = market.ssh_options("-P", self.id)
        for one, two in ((market.dir / "up", f"root@{SERVER}:/root/file"),
                         (f"root@{SERVER}:/root/file", market.dir / "down")):
            subprocess.run(["scp", *options, one, two], check=True, timeout=60, capture_output=True)
        check((market.dir / "down").read_bytes() == data, "scp there and back")
        for one, two in ((market.dir / "up", f"{self.id}:/root/it's a file"), (f"C.{self.id}:/root/it's a file",
                                                                              market.dir / "down2")):
            market.berth("copy", one, two, "-i", market.ssh_key, stdin=subprocess.DEVNULL)
        check((market.dir / "down2").read_bytes() == data, "berth copy there and back")
        market.berth("copy", f"{self.id}:/root/it's a file", f"{self.id}:/root/again", "-i", market.ssh_key)
        check(market.ssh(self.id, "cmp /root/file /root/again", ok=False).returncode == 0, "from instance to instance")
        self.sum = hashlib.sha256(data).hexdigest()

    def get(self, port):
        with self.connect(port) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data = b""
            while piece := s.recv(65536):
                data += piece
        return data

    def reaches_a_port(self):
        check(b"hello" in self.get(self.ports["8081/tcp"]), "a web server in the container answers")
        # Nothing listens at 9000: the connection ends, it does not hang.
        began = time.monotonic()
        with self.connect(self.ports["9000/tcp"]) as s:
            try:
                check(s.recv(1) == b"", "nothing comes from where nobody listens")
            except ConnectionResetError:
                pass
        check(time.monotonic() - began < 5, "and that at once")

    def its_ports_are_told_inside(self):
        """As the world finds them, and the same over SSH as in the container itself."""
        said = dict(line.split("=", 1) for line in self.market.ssh(self.id, "env").stdout.splitlines() if "=" in line)
        wanted = {"PUBLIC_IPADDR": SERVER, "VAST_TCP_PORT_22": self.ports["22/tcp"],
                  "VAST_TCP_PORT_8081": self.ports["8081/tcp"], "VAST_TCP_PORT_9000": self.ports["9000/tcp"],
                  "VAST_UDP_PORT_9999": self.ports["9999/udp"], "VAST_TCP_PORT_70000": self.same["tcp"],
                  "VAST_UDP_PORT_70001": self.same["udp"]}
        bad = {name: (said.get(name), value) for name, value in wanted.items() if said.get(name) != str(value)}
        check(not bad, f"variables, and what they should be: {bad}")
        own = self.market.ssh(self.id, "tr '\\0' '\\n' </proc/1/environ").stdout.splitlines()
        check(all(f"{name}={value}" in own for name, value in wanted.items()), f"the container's own: {own}")
        check(b"hello" in self.get(self.same["tcp"]), "a server that listens at the public number is found there")

    def ask(self, sock, data, tries=10):
        for _ in range(tries):  # one may be lost: it is UDP
            sock.send(data)
            try:
                while (got := sock.recv(65536)) != data:
                    pass
                return got
            except TimeoutError:
                continue
        raise Failure(f"no answer to {len(data)} bytes")

    def sender(self, port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(1)
        sock.connect((SERVER, port))
        return sock

    def datagrams(self):
        market, program = self.market, self.market.dir / "udp_echo"
        subprocess.run(["cc", "-static", "-O1", "-o", program, ECHO], check=True)
        market.ssh(self.id, "cat >/root/echo; chmod +x /root/echo", input=program.read_bytes(), text=False)
        market.ssh(self.id, "/root/echo 9999 $VAST_UDP_PORT_70001 >/dev/null 2>&1 </dev/null & sleep 0.3")
        one, two = self.sender(self.ports["9999/udp"]), self.sender(self.ports["9999/udp"])
        same = self.sender(self.same["udp"])
        for i in range(20):
            for sock in (one, two, same):
                self.ask(sock, b"%d of %d" % (i, sock.fileno()))
        self.ask(one, os.urandom(1400))
        self.ask(one, os.urandom(30000))
        wait_until("what was before is counted", 20, lambda: self.totals()[1] > 0)
        time.sleep(6)
        before, count = self.totals(), 2000
        for i in range(count):
            self.ask(one, i.to_bytes(4, "big") + bytes(1196))
        wait_until("datagrams are counted", 20, lambda: self.totals()[1] - before[1] >= 1200 * count)
        time.sleep(6)
        up, down = (now - then for now, then in zip(self.totals(), before))
        check(1200 * count <= up <= 1200 * count * 1.1, f"up: {up} bytes of {1200 * count}")
        check(1200 * count <= down <= 1200 * count * 1.1, f"down: {down} bytes of {1200 * count}")
        for sock in (one, two, same):
            sock.close()

    def fifty_at_once(self):
        command = self.market.ssh_command(self.id, "echo $((40+2))")
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    stdin=subprocess.DEVNULL, text=True) for _ in range(50)]
        results = [process.communicate(timeout=120) + (process.returncode,) for process in running]
        bad = [result for result in results if result != ("42\n", "", 0)]
        check(not bad, f"{len(bad)} of 50 sessions failed: {bad[:2]}")

    def the_command_to_paste(self):
        text = self.market.berth("ssh", self.id, "--print").stdout
        wanted = f"ssh -p {self.ports['22/tcp']} root@{SERVER} -L 8080:localhost:8080\n"
        check(text == wanted, f"the form that renters know: {text}")

    def half_a_connection(self):
        """The end of one direction is passed on, the other goes on."""
        data = os.urandom(3_000_000)
        done = self.market.ssh(self.id, "sha256sum", input=data, text=False)
        check(hashlib.sha256(data).hexdigest() in done.stdout.decode(), "all of it arrived, and its end")

    def totals(self):
        return self.market.sql("SELECT bytes_up, bytes_down FROM contract WHERE id = ?", self.id)[0]

    def relayed(self):
        """What the relay says of itself: bytes that went up, and who is there."""
        with urllib.request.urlopen(METRICS, timeout=10) as reply:
            lines = [line.rsplit(" ", 1) for line in reply.read().decode().splitlines() if line[0] != "#"]
        values = {name: float(value) for name, value in lines}
        check(values["berth_relay_agents"] == 1, f"one host has dialled: {values}")
        check(values["berth_relay_served_total"] >= 50, f"fifty were served: {values}")
        return values["berth_relay_up_bytes_total"]

    def bytes_are_counted_once(self):
        """Through a published port and through the SSH front: the payload, within a few percent. The two
        sizes are such that only once each makes their sum."""
        port, ssh, market = 20_000_000, 31_000_000, self.market
        market.ssh(self.id, f"for size in {port} {ssh}; do head -c $size /dev/zero >/www/$size; done")
        wait_until("what was copied before is told", 20, lambda: self.totals()[0] >= 20_000_000)
        before, relayed = self.totals()[0], self.relayed()
        with self.connect(self.ports["8081/tcp"]) as s:
            s.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % port)
            got = 0
            while piece := s.recv(1 << 20):
                got += len(piece)
        check(got >= port, f"all of it came through the port: {got}")
        got = len(market.ssh(self.id, f"cat /www/{ssh}", text=False).stdout)
        check(got == ssh, f"all of it came through SSH: {got}")
        wait_until("it is counted", 20, lambda: self.totals()[0] - before >= port + ssh)
        time.sleep(6)
        counted, carried = self.totals()[0] - before, self.relayed() - relayed
        check(counted <= (port + ssh) * 1.05, f"{counted} bytes were counted for {port + ssh}")
        check(port + ssh <= carried <= (port + ssh) * 1.05, f"the relay carried {carried}")

    def ports_stay_over_stop_and_start(self):
        market = self.market
        market.berth("stop", "instance", self.id)
        wait_until("it stops", 30, lambda: market.instance(self.id)["actual_status"] in ("stopped", "exited"))
        done = subprocess.run(["ssh", "-p", str(self.ports["22/tcp"]), "-i", market.ssh_key, "-o",
                               "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={market.dir}/known_hosts",
                               f"root@{SERVER}", "true"], capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL, check=False)
        check("stopped" in done.stderr + done.stdout, f"SSH says that it is stopped: {done}")
        market.berth("start", "instance", self.id)
        row = market.wait_running(self.id)
        ports = {inside: int(where[0]["HostPort"]) for inside, where in row["ports"].items()}
        check(ports == self.ports, f"the same ports: {ports} {self.ports}")
        check(self.sum in market.ssh(self.id, "sha256sum /root/file").stdout, "and the same files")
        for port in (self.ports["9999/udp"], self.same["udp"]):
            with self.sender(port) as sock:
                self.ask(sock, b"again", 20)

    def the_agent_starts_anew(self):
        self.market.stop_host()
        time.sleep(4)
        began = time.monotonic()
        with self.connect(self.ports["22/tcp"]) as s:
            check(s.recv(1) == b"", "the ports of an agent that is gone close at once")
        check(time.monotonic() - began < 1, "at once")
        self.market.start_host()
        self.market.wait_running(self.id)
        wait_until("SSH answers again", 20, lambda: self.market.ssh(self.id, "true", ok=False).returncode == 0)

    def the_server_starts_anew(self):
        """And from then on speaks TLS with hosts, which learn of its key meanwhile."""
        self.market.kill("server")
        self.market.server_options += make_certificate(self.market.dir)
        self.market.restart_server()
        check("(TLS)" in (self.market.dir / "server.log").read_text(), "the relay says that it speaks TLS")
        wait_until("SSH answers again", 30, lambda: self.market.ssh(self.id, "true", ok=False).returncode == 0)
        row = self.market.wait_running(self.id)
        ports = {inside: int(where[0]["HostPort"]) for inside, where in row["ports"].items()}
        check(ports == self.ports, f"the same ports: {ports} {self.ports}")
        check(is_tls(), "hosts are greeted in TLS")
        self.copies_files()
        check(b"hello" in self.get(self.ports["8081/tcp"]), "a web server in the container answers")
        with self.sender(self.ports["9999/udp"]) as sock:
            self.ask(sock, b"through TLS", 20)

    def charged_us(self):
        """GPU time that is metered: of ended intervals, and of the open one up to the last heartbeat."""
        return self.market.sql("SELECT COALESCE(SUM(CASE WHEN i.end_us IS NULL THEN s.last_heartbeat_us ELSE "
                               "i.end_us END - i.start_us), 0) FROM run_interval i JOIN agent_session s ON "
                               "s.machine_id = i.machine_id WHERE i.contract_id = ?", self.id)[0][0]

    def the_uplink_is_cut(self):
        market = self.market
        starts = market.ssh(self.id, "cat /proc/1/stat").stdout
        talk = subprocess.Popen(market.ssh_command(self.id, "while read line; do echo $line; done"),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        talk.stdin.write("before\n")
        talk.stdin.flush()
        check(talk.stdout.readline() == "before\n", "a session talks")
        again = market.ssh_command(self.id, "true")
        charged, began = self.charged_us(), time.monotonic()
        self.topology.uplink("down")
        time.sleep(self.cut_s)
        self.topology.uplink("up")
        wait_until("SSH answers again", 60, lambda: subprocess.run(again, stdin=subprocess.DEVNULL, check=False,
                                                                   timeout=60).returncode == 0, 0.5)
        talk.stdin.write("after\n")
        talk.stdin.flush()
        check(talk.stdout.readline() == "after\n", "the session that was open goes on")
        talk.kill()
        market.wait_running(self.id, 90)
        check(market.ssh(self.id, "cat /proc/1/stat").stdout.split()[21] == starts.split()[21],
              "the container never stopped")
        passed_us = (time.monotonic() - began) * 1e6
        more = self.charged_us() - charged
        if self.cut_s > 30:  # longer than the lease: the gap is nobody's time
            check(more <= passed_us - (self.cut_s - 10) * 1e6, f"{more} us charged of {passed_us}, cut {self.cut_s} s")
        check(more <= passed_us + 6e6, f"never more than has passed: {more} of {passed_us}")

    def destroys_it(self):
        self.market.destroy(self.id)
        check(self.market.sql("SELECT COUNT(*) FROM relay_port") == [(0,)], "its ports are free again")

        def is_closed():
            try:
                self.connect(self.ports["22/tcp"], 2).close()
            except ConnectionRefusedError:
                return True
            return False

        wait_until("nobody listens there any more", 5, is_closed)


def run(options, topology):
    with make_market(topology, options.bin) as market:
        market.import_busybox()
        steps(Journey(market, topology, options.cut).cases())
        market.check_books()
        log = (market.dir / "host.log").read_text()
        check(re.search("relay connected", log), "the agent has said so")


if __name__ == "__main__":
    main(run)
