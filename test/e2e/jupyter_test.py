#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jupyter in a rented instance: an image without it is refused for free; with it, a kernel runs a cell
over its WebSocket, through the SSH forward that `berth open` makes, and it is the same after a restart."""

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from market import Market, main, skip, steps
from patience import Failure, check, wait_until

CACHE = pathlib.Path(os.environ.get("BERTH_IMAGES", "/var/tmp/berth-images"))
PACKAGES = ["jupyter-notebook", "python3-ipykernel"]
PORT = 18080


def jupyter_tar():
    """Debian's own Jupyter, kept between runs: making it takes a minute and the distribution's mirror."""
    CACHE.mkdir(mode=0o755, exist_ok=True)
    cached = CACHE / "debian-bookworm-jupyter-notebook.tar"
    if cached.exists():
        return cached
    if shutil.which("mmdebstrap") is None:
        skip("mmdebstrap is not installed")
    made = cached.with_suffix(f".{os.getpid()}.tar")
    done = subprocess.run(["mmdebstrap", "--variant=minbase", "--aptopt=APT::Sandbox::User \"root\"",
                           "--include=" + ",".join(PACKAGES), "bookworm", made], check=False, capture_output=True,
                          text=True)
    if done.returncode != 0:
        made.unlink(missing_ok=True)
        skip(f"mmdebstrap makes no image: {done.stderr.strip().splitlines()[-1:]}")
    made.rename(cached)
    return cached


class WebSocket:
    """Just enough of one to talk to a kernel: short texts out, whole texts in."""

    def __init__(self, port, target):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: "
                            f"Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        check(head.startswith(b"HTTP/1.1 101"), f"a WebSocket: {head[:200]}")

    def more(self):
        piece = self.socket.recv(65536)
        check(piece, "the kernel's WebSocket stays open")
        self.data += piece

    def take(self, count):
        while len(self.data) < count:
            self.more()
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        check(len(data) < 65536, "a short text")
        head = bytes([0x81, 0x80 | 126]) + len(data).to_bytes(2, "big") + mask
        self.socket.sendall(head + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        first, second = self.take(2)
        length = second & 0x7f
        if length >= 126:
            length = int.from_bytes(self.take(2 if length == 126 else 8), "big")
        return first & 0x0f, self.take(length)


class Jupyter:
    def __init__(self, market):
        self.market = market
        self.id = self.token = self.tunnel = None

    def cases(self):
        names = ["an_image_without_it_is_refused_for_free", "an_instance_with_it_runs", "it_opens_through_ssh",
                 "only_the_token_opens_it", "a_kernel_runs_a_cell", "it_is_the_same_after_a_restart"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def offer(self):
        return wait_until("an offer", 20, self.market.offers)[0]["id"]

    def an_image_without_it_is_refused_for_free(self):
        market = self.market
        market.list_machine()
        number = market.rent(self.offer(), "bb:1", runtype="jupyter_proxy ssh_proxy")

        def probe():
            row = market.instance(number)
            return row if row["stop_reason"] == "start_failed" else None

        row = wait_until("it is told that it cannot start", 60, probe)
        check("no Jupyter" in row["stop_message"], f"the reason: {row['stop_message']}")
        check(row["jupyter_url"] is None, "nothing to open")
        used = market.sql("SELECT total FROM meter WHERE instance_id = ? AND comp = 1", number)
        check(used == [(0,)], f"no time was charged: {used}")
        market.destroy(number)

    def an_instance_with_it_runs(self):
        market = self.market
        done = market.berth("create", "instance", self.offer(), "--image", "jupyter:1", "--disk", "4",
                            "--jupyter-dir", "/work/books", "--raw")
        self.id = json.loads(done.stdout)["new_contract"]
        row = market.wait_running(self.id, 180)
        self.token = row["jupyter_token"]
        check(len(self.token) >= 32, f"a token that nobody guesses: {self.token}")
        check(row["jupyter_url"] == f"http://localhost:8080/?token={self.token}", f"its address: {row['jupyter_url']}")
        check(row["image_runtype"] == "jupyter_proxy ssh_proxy", row["image_runtype"])
        check(market.ssh(self.id, "echo $JUPYTER_TOKEN").stdout.strip() == self.token, "the container has the token")
        check(self.token not in market.ssh(self.id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout,
              "no list of processes shows the token")
        check("berth open" in market.berth("show", "instance", self.id).stdout, "how to get there is told")

    def open(self):
        environment = dict(os.environ, BERTH_URL=self.market.url, BERTH_API_KEY=self.market.keys["ada"],
                           XDG_CONFIG_HOME=str(self.market.dir / "config"))
        self.tunnel = subprocess.Popen(
            [self.market.bin / "berth", "open", str(self.id), "-i", str(self.market.ssh_key), "--port", str(PORT)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment)
        address = self.tunnel.stdout.readline().strip()
        check(address == f"http://localhost:{PORT}/?token={self.token}", f"berth open: {address}")
        wait_until("the forward", 30, lambda: self.get("/api")[0] == 200)

    def close(self):
        if self.tunnel is not None:
            self.tunnel.terminate()
            self.tunnel.wait(20)
            self.tunnel = None

    def get(self, path, data=None):
        request = urllib.request.Request(f"http://localhost:{PORT}{path}", data=data)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def it_opens_through_ssh(self):
        self.open()
        status, page = self.get(f"/tree?token={self.token}")
        check(status == 200 and b"jupyter" in page.lower(), f"its page: {status} {page[:200]}")

    def only_the_token_opens_it(self):
        check(self.get("/api/status")[0] == 403, "without the token: no")
        check(self.get("/api/status?token=" + "0" * 64)[0] == 403, "with another one: no")
        check(self.get(f"/api/status?token={self.token}")[0] == 200, "with the token")

    def run_cell(self, code):
        status, reply = self.get(f"/api/kernels?token={self.token}", b"{}")
        check(status == 201, f"a kernel: {status} {reply[:200]}")
        kernel = json.loads(reply)["id"]
        web = WebSocket(PORT, f"/api/kernels/{kernel}/channels?token={self.token}&session_id=test")
        web.send(json.dumps({
            "header": {"msg_id": "one", "username": "", "session": "test", "msg_type": "execute_request",
                       "version": "5.3", "date": ""},
            "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
            "content": {"code": code, "silent": False, "store_history": False, "user_expressions": {},
                        "allow_stdin": False, "stop_on_error": True}}))
        end, said = time.monotonic() + 60, ""
        while time.monotonic() < end:
            kind, data = web.receive()
            message = json.loads(data) if kind == 1 else {"msg_type": ""}
            if message["msg_type"] == "stream":
                said += message["content"]["text"]
            if message["msg_type"] == "execute_reply":
                check(message["content"]["status"] == "ok", f"the cell: {message['content']}")
            if said.endswith("\n"):
                return said
        raise Failure(f"the kernel says nothing: {said!r}")

    def a_kernel_runs_a_cell(self):
        said = self.run_cell("import os; open('kept', 'w').write('x'); print(os.getcwd(), 6 * 7)")
        check(said == "/work/books 42\n", f"the cell: {said!r}")

    def it_is_the_same_after_a_restart(self):
        market = self.market
        self.close()
        market.berth("stop", "instance", self.id)
        market.wait_status(self.id, "stopped", 60)
        check(market.instance(self.id)["jupyter_url"] is None, "nothing to open while it is stopped")
        market.berth("start", "instance", self.id)
        row = market.wait_running(self.id, 180)
        check(row["jupyter_token"] == self.token, "the token stays")
        self.open()
        check(self.run_cell("import os; print(os.listdir())") == "['kept']\n", "the files stay")
        self.close()
        market.destroy(self.id)


def import_jupyter(market, tar):
    done = subprocess.run(
        ["curl", "-sS", "--unix-socket", market.engine_socket, "-X", "POST", "-H", "Content-Type: application/x-tar",
         "-T", tar, "http://engine/v1.41/images/create?fromSrc=-&repo=jupyter&tag=1"], check=False,
        capture_output=True, text=True)
    check(done.returncode == 0 and '"error"' not in done.stdout, f"import: {done.stdout[-300:]}{done.stderr}")


def run(options):
    tar = jupyter_tar()
    with Market(options.bin) as market:
        market.import_busybox()
        import_jupyter(market, tar)
        jupyter = Jupyter(market)
        try:
            steps(jupyter.cases())
        finally:
            jupyter.close()


# The image is made outside of the namespace, where the mirror is.
if __name__ == "__main__":
    if "--inside" not in sys.argv and os.geteuid() == 0:
        jupyter_tar()
    main(run)
