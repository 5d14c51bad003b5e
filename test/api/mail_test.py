#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mail by SMTP: to a server that takes it, one that asks for a login, and one that is busy at first.

The server here is a socket and a few lines, on this machine: there TLS may be missing.
"""

import base64
import pathlib
import re
import socketserver
import tempfile
import threading
import unittest

from world import World
from patience import wait_until


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self):
        server, lines = self.server, []
        self.say("220 test")
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            lines.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self.say("250-test")
                self.say("250 AUTH PLAIN")
            elif verb == "AUTH":
                self.say("334 ")
                server.logins.append(base64.b64decode(self.rfile.readline()).split(b"\0")[-1])
                self.say("235 welcome")
            elif verb == "RCPT" and server.refusals:
                self.say(server.refusals.pop(0))
            elif verb == "DATA":
                self.say("354 go on")
                text = b""
                for part in self.rfile:
                    if part == b".\r\n":
                        break
                    text += part
                server.mails.append((lines, text.decode()))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.mails, self.logins, self.refusals = [], [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Mail(unittest.TestCase):
    def test_codes_come_by_smtp(self):
        server = Server()
        with tempfile.NamedTemporaryFile("w") as password:
            password.write("s3cret of the mail server\n")
            password.flush()
            with World("--smtp", f"smtp://127.0.0.1:{server.server_address[1]}", "--mail-from", "berth@berth.test",
                       "--smtp-user", "berth", "--smtp-password-file", password.name) as world:
                # A mailbox that is not there is not tried again; what is sent next goes through.
                server.refusals.append("550 nobody")
                self.sign_up(world, "gone@berth.test")
                self.wait(lambda: not server.refusals)
                self.sign_up(world, "ada@berth.test")
                self.wait(lambda: server.mails)
                lines, text = server.mails[0]
                self.assertIn("MAIL FROM:<berth@berth.test>", "\n".join(lines))
                self.assertIn("RCPT TO:<ada@berth.test>", lines)
                self.assertEqual(set(server.logins), {b"s3cret of the mail server"})
                self.assertRegex(text, r"^From: Berth <berth@berth.test>\r\nTo: <ada@berth.test>\r\nSubject: [ -~]+\r\n"
                                       r"Date: [ -~]+\r\nMessage-ID: <[0-9a-f]{32}@berth.test>\r\n")
                code = re.search(r"Code: (\S+)\r\n", text)[1]
                self.assertEqual(world.call("POST", "/api/v0/users/verify/", {"code": code})[0], 200)
                self.assertFalse((world.data / "outbox").exists())
                for path in [*world.data.rglob("*"), world.dir / "log"]:
                    if path.is_file():
                        self.assertNotIn(b"s3cret", pathlib.Path(path).read_bytes())
        self.assertEqual(len(server.mails), 1)
        server.shutdown()

    def test_options_that_make_no_sense_are_refused_at_the_start(self):
        for words in (("--smtp", "ftp://x"), ("--smtp", "smtp://x/y"), ("--smtp", "smtp://x"),
                      ("--mail-from", "nobody")):
            with self.subTest(words), self.assertRaises(RuntimeError):
                World(*words).__enter__()

    def sign_up(self, world, email):
        self.assertEqual(world.call("POST", "/api/v0/users/", {
            "email": email, "password": "correct horse battery"})[0], 200)

    def wait(self, is_done):
        wait_until("it comes", 30, is_done)


if __name__ == "__main__":
    unittest.main()
