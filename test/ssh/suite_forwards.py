# SPDX-License-Identifier: Apache-2.0
"""Connections through the instance: -L, -D, -R."""

import subprocess

from patience import check, wait_until
from suite import P, Suite, expect


class Forwards(Suite):
    # Ports.

    def serve(self, port, greeting, address="127.0.0.1"):
        process = self.host.start("--", f"{P} serve {address} {port} {greeting}")
        process.stdout.readline()
        return process

    def talk(self, port, text="hello", wait=True):
        def attempt():
            result = self.tool(self.host.bin / "ssh_probe", "talk", "127.0.0.1", port, text)
            return result.stdout if result.returncode == 0 and result.stdout else None
        return wait_until(f"an answer at port {port}", 10, attempt) if wait else attempt()

    def test_local_forward(self):
        server = self.serve(8080, "welcome")
        client = self.host.start("-N", "-L", "18080:localhost:8080", "-L", "18081:127.0.0.1:9")
        try:
            check(self.talk(18080) == b"welcomehello", "forwarded otherwise")
            # Nothing listens there; the connection that works goes on working.
            check(self.talk(18081, wait=False) is None, "something answered where nothing listens")
            check(self.talk(18080, "again") == b"welcomeagain", "forwarded otherwise")
            clients = [subprocess.Popen([self.host.bin / "ssh_probe", "talk", "127.0.0.1", "18080", str(i)],
                                        stdout=subprocess.PIPE) for i in range(20)]
            for i, process in enumerate(clients):
                check(process.communicate(timeout=20)[0] == f"welcome{i}".encode(), f"connection {i}")
            big = "x" * 100000
            check(self.talk(18080, big) == b"welcome" + big.encode(), "a long text was changed")
        finally:
            client.kill(), server.kill()

    def test_forward_by_name(self):
        name = self.container[:12]
        server = self.serve(8087, "named", "0.0.0.0")
        client = self.host.start("-N", "-L", f"18087:{name}:8087", "-L", "18088:no.such.name.invalid:80")
        try:
            check(self.talk(18087) == b"namedhello", "forwarded otherwise")
            check(self.talk(18088, wait=False) is None, "a name that is none has an address")
        finally:
            client.kill(), server.kill()

    def test_dynamic_forward(self):
        server = self.serve(8082, "socks")
        client = self.host.start("-N", "-D", "11080")
        try:
            def attempt():
                result = self.tool("curl", "-s", "--http0.9", "--max-time", "1", "-x", "socks5h://127.0.0.1:11080",
                                   "http://localhost:8082/")
                return result.stdout.startswith(b"socks")
            wait_until("an answer through SOCKS", 10, attempt)
        finally:
            client.kill(), server.kill()

    def test_remote_forward(self):
        server = subprocess.Popen([self.host.bin / "ssh_probe", "serve", "127.0.0.1", "18083", "outside"],
                                  stdout=subprocess.PIPE)
        server.stdout.readline()
        client = self.host.start("-N", "-R", "8083:127.0.0.1:18083", "-o", "ExitOnForwardFailure=yes")
        try:
            def attempt():
                return self.host.ssh("--", f"{P} talk 127.0.0.1 8083 in").stdout == b"outsidein"
            wait_until("an answer from outside", 10, attempt)
            # The port is taken: a second client is told.
            second = self.host.ssh("-N", "-R", "8083:127.0.0.1:18083", "-o", "ExitOnForwardFailure=yes")
            check(second.returncode == 255, f"{second}")
            chosen = self.host.start("-v", "-o", "LogLevel=INFO", "-N", "-R", "0:127.0.0.1:18083")
            line = chosen.stderr.readline()
            while b"Allocated port" not in line and line:
                line = chosen.stderr.readline()
            port = int(line.split()[2])
            expect(self.host.ssh("--", f"{P} talk 127.0.0.1 {port} x"), 0, "outsidex")
            chosen.kill()
        finally:
            client.kill(), server.kill()
        wait_until("the port is closed", 5, lambda: self.host.ssh("--", f"{P} talk 127.0.0.1 8083 in").returncode == 1)

    def test_a_tunnel_beside_a_shell(self):
        """What editors do: one connection, SOCKS, and a server that a script starts."""
        if not self.host.shell:
            return
        client = self.host.start("-T", "-D", "11081", "--", "sh")
        try:
            client.stdin.write(f"{P} serve 127.0.0.1 8085 editor &\n".encode())
            client.stdin.flush()
            client.stdout.readline()
            for _ in range(3):
                result = self.tool("curl", "-s", "--http0.9", "--max-time", "1", "-x", "socks5h://127.0.0.1:11081",
                                   "http://127.0.0.1:8085/")
                check(result.stdout.startswith(b"editor"), f"{result}")
        finally:
            client.kill()
