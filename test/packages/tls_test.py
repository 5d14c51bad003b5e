#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS as deploy/nginx.conf speaks it: 1.2 and 1.3 alone, each with forward secrecy and authenticated ciphers, no
renegotiation, no compression, no session tickets, and browsers told to stay with it."""

import argparse
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test/e2e"))
from ports import free_port  # noqa: E402

NGINX = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.log; events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; include {dir}/berth.conf; }}
"""
# What no server of today should take, asked for by a client that would.
WEAK = ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "DHE-RSA-AES256-SHA256",
        "NULL-SHA256", "ADH-AES128-GCM-SHA256")
STRONG = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305")


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj",
                        "/CN=berth.example", "-addext", "subjectAltName=DNS:berth.example,IP:127.0.0.1"], check=True,
                       capture_output=True)
        text = (ROOT / "deploy/nginx.conf").read_text()
        for pattern, new in ((r"listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
                             (r"(ssl_certificate +)\S+;", rf"\g<1>{folder}/cert.pem;"),
                             (r"(ssl_certificate_key +)\S+;", rf"\g<1>{folder}/key.pem;")):
            text, count = re.subn(pattern, new, text)
            assert count == 1, pattern
        (folder / "berth.conf").write_text(text)
        (folder / "nginx.conf").write_text(NGINX.format(dir=folder))
        self.process = subprocess.Popen([shutil.which("nginx", path="/usr/sbin:/sbin:/usr/bin"), "-p", folder, "-c",
                                         folder / "nginx.conf"])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("nginx does not start")

    def dial(self, *words, say="Q\n"):
        """What openssl says of a connection that asked for this."""
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername",
                               "berth.example", *words], input=say, capture_output=True, text=True, timeout=20,
                              check=False)
        return done.stdout + done.stderr

    def takes(self, *words):
        return "Cipher is (NONE)" not in (said := self.dial(*words)) and "Cipher is" in said


def test_versions(server):
    for old in ("-tls1", "-tls1_1"):
        assert not server.takes(old, "-cipher", "ALL:@SECLEVEL=0"), old
    for new in ("-tls1_2", "-tls1_3"):
        assert server.takes(new), new
    return "TLS 1.2 and 1.3, and nothing older"


def test_ciphers(server):
    for cipher in WEAK:
        assert not server.takes("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0"), cipher
    for cipher in STRONG:
        assert server.takes("-tls1_2", "-cipher", cipher), cipher
    return "every cipher has forward secrecy and authenticates what it carries"


def test_extras(server):
    said = server.dial("-tls1_2")
    assert "Compression: NONE" in said and "Secure Renegotiation IS supported" in said, said
    assert "TLS session ticket:" not in said, said
    assert "self-signed certificate" in said, "a client that checks sees what it is"
    # "R" asks for a new handshake in the same connection.
    said = server.dial("-tls1_2", say="R\nQ\n")
    assert "RENEGOTIATING" in said and "no renegotiation" in said, said
    return "no compression, no tickets, no renegotiation that the client begins"


def test_header(server):
    said = subprocess.run(["curl", "-sik", "--max-time", "10", "--resolve", f"berth.example:{server.port}:127.0.0.1",
                           f"https://berth.example:{server.port}/"], capture_output=True, text=True, check=False).stdout
    assert re.search(r"^Strict-Transport-Security: max-age=31536000", said, re.M), said
    return "browsers are told to stay with it, even where berthd is away"


def test_doctor(server):
    """There is no berthd behind it: whoever trusts the certificate gets as far as nginx."""
    words = [server.bin / "berth-host", "doctor", "--data", server.folder / "host", "--server", f"https://127.0.0.1:{server.port}"]

    def told(*more):
        said = subprocess.run([*words, *more], capture_output=True, text=True, timeout=60, check=False).stdout
        return next(line for line in said.splitlines() if re.match(r"\S+ +server ", line))

    assert "answers 503" in (said := told("--ca", server.folder / "cert.pem")), said
    assert "certificate" in (said := told()), said
    return "berth-host doctor asks a market by its own authority where there is one"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    options = parser.parse_args()
    if shutil.which("nginx", path="/usr/sbin:/sbin:/usr/bin") is None or shutil.which("openssl") is None:
        print("NOT RUN: nginx and openssl are needed")
        return 77
    with tempfile.TemporaryDirectory(prefix="berth-tls-") as name:
        server = Server(pathlib.Path(name))
        server.bin = options.bin.resolve()
        try:
            tests = (test_versions, test_ciphers, test_extras, test_header, test_doctor)
            for test in tests:
                print(f"ok - {test(server)}", flush=True)
        finally:
            server.process.terminate()
            server.process.wait()
    print(f"{len(tests)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
