#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A renter's browser on a host behind NAT: Chromium opens the notebook at the relay's own https:// address,
warns of nothing, and a kernel runs a cell that is typed into the page. A certificate that is renewed ends
nobody's connection; without one there is the way through SSH."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.request

from jupyter_test import Jupyter, WebSocket, import_jupyter, jupyter_tar
from market import skip, steps
from nat import SERVER, main, make_certificate, make_market, make_web_certificate
from patience import check, wait_until

DEBUG_PORT = 19222
NOTEBOOK = {"cells": [{"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ""}],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
            "nbformat": 4, "nbformat_minor": 4}
TYPE_AND_RUN = """
(() => {
    const cell = Jupyter.notebook.get_cell(0);
    cell.set_text("import os\\nprint(os.getcwd(), 6 * 7)");
    Jupyter.notebook.execute_cells([0]);
})()
"""
OUTPUT = "Jupyter.notebook.get_cell(0).output_area.outputs.map(o => o.text || o.ename || '').join('')"
IS_READY = ("typeof Jupyter !== 'undefined' && Jupyter.notebook && Jupyter.notebook._fully_loaded && "
            "Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected()")


def trusting(folder):
    """An environment whose home's browsers trust the test's authority, as all trust public ones."""
    database = folder / "home/.pki/nssdb"
    database.mkdir(parents=True)
    certutil = ["certutil", "-d", f"sql:{database}"]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True, capture_output=True)
    subprocess.run([*certutil, "-A", "-t", "C,,", "-n", "authority", "-i", folder / "ca.pem"], check=True,
                   capture_output=True)
    return dict(os.environ, HOME=str(folder / "home"))


class Chromium:
    """One page of a browser without a window, driven over its debugging port."""

    def __init__(self, folder):
        self.log = open(folder / "chromium.log", "w", encoding="utf-8")
        environment = trusting(folder)
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
             f"--remote-debugging-port={DEBUG_PORT}", f"--user-data-dir={folder}/chromium", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment)
        page = wait_until("a page", 90, self.find_page)
        self.web = WebSocket(DEBUG_PORT, page["webSocketDebuggerUrl"].split(f":{DEBUG_PORT}", 1)[1])
        self.number, self.events = 0, []

    def find_page(self):
        check(self.process.poll() is None, "Chromium has ended")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{DEBUG_PORT}/json", timeout=5) as reply:
                return next((one for one in json.load(reply) if one["type"] == "page"), None)
        except OSError:
            return None

    def call(self, method, **parameters):
        self.number += 1
        self.web.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.web.receive()[1])
            if message.get("id") == self.number:
                check("error" not in message, f"{method}: {message}")
                return message["result"]
            self.events.append(message)

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value") if "exceptionDetails" not in result else None

    def told(self, method):
        return [event["params"] for event in self.events if event["method"] == method]

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


class check_refused:
    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        check(kind is ConnectionRefusedError, "nobody listens there")
        return True


class Browsing(Jupyter):
    def __init__(self, market):
        super().__init__(market)
        self.browser = self.port = None

    def cases(self):
        names = ["an_instance_behind_nat_runs", "its_address_is_the_relay_s", "strangers_are_refused",
                 "chromium_opens_it_and_warns_of_nothing", "a_kernel_runs_what_is_typed",
                 "a_renewed_certificate_ends_nobody", "it_is_the_same_after_a_restart", "traffic_is_counted",
                 "without_a_certificate_it_is_behind_ssh", "it_goes"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def an_instance_behind_nat_runs(self):
        market = self.market
        market.list_machine()
        done = market.berth("create", "instance", self.offer(), "--image", "jupyter:1", "--disk", "4",
                            "--jupyter-dir", "/work/books", "--raw")
        self.id = json.loads(done.stdout)["new_contract"]
        self.token = market.wait_running(self.id, 180)["jupyter_token"]
        log = (market.dir / "server.log").read_text()
        check("(TLS)" in log and "https://" in log, "the relay speaks TLS with the host and with browsers")
        check("browsers will warn" not in log, "its certificate is for its address")

    def trusted(self):
        return ssl.create_default_context(cafile=self.market.dir / "ca.pem")

    def ask(self, path):
        connection = http.client.HTTPSConnection(SERVER, self.port, timeout=30, context=self.trusted())
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def its_address_is_the_relay_s(self):
        row = self.market.instance(self.id)
        match = re.fullmatch(rf"https://{SERVER}:(220\d\d)/\?token={self.token}", row["jupyter_url"])
        check(match, f"its address: {row['jupyter_url']}")
        self.port = int(match[1])
        check(row["ports"]["8080/tcp"][0]["HostPort"] == match[1], f"the port is among its own: {row['ports']}")
        said = self.market.berth("open", self.id, stdin=subprocess.DEVNULL).stdout
        check(said == row["jupyter_url"] + "\n", f"berth open says it, and needs no ssh: {said}")
        check(row["jupyter_url"] in self.market.berth("show", "instance", self.id).stdout, "berth show, too")
        done = subprocess.run(["curl", "-sS", "--cacert", self.market.dir / "ca.pem", row["jupyter_url"], "-L", "-o",
                               "/dev/null", "-w", "%{http_code} %{http_version} %{ssl_verify_result}"], check=False,
                              capture_output=True, text=True)
        check(done.stdout == "200 1.1 0", f"curl, which knows the authority: {done}")

    def strangers_are_refused(self):
        check(self.ask("/api/status")[0] == 403, "without the token: no")
        check(self.ask(f"/api/status?token={self.token}")[0] == 200, "with it: yes")
        with socket.create_connection((SERVER, self.port), 10) as plain:
            plain.sendall(b"GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                said = plain.recv(4096)
            except ConnectionResetError:
                said = b""
            check(b"HTTP" not in said, "nothing is said without TLS")

    def chromium_opens_it_and_warns_of_nothing(self):
        connection = http.client.HTTPSConnection(SERVER, self.port, timeout=30, context=self.trusted())
        connection.request("PUT", f"/api/contents/cell.ipynb?token={self.token}",
                           json.dumps({"type": "notebook", "content": NOTEBOOK}))
        check(connection.getresponse().status == 201, "a notebook")
        self.browser = browser = Chromium(self.market.dir)
        for part in ("Page", "Network", "Security", "Log"):
            browser.call(f"{part}.enable")
        address = f"https://{SERVER}:{self.port}/notebooks/cell.ipynb?token={self.token}"
        shown = browser.call("Page.navigate", url=address)
        check("errorText" not in shown, f"the page loads: {shown}")
        wait_until("the notebook and its kernel", 120, lambda: browser.value(IS_READY), 0.5)
        check(browser.value("location.protocol") == "https:", "over TLS")
        check(browser.value("window.isSecureContext") is True, "the browser takes the page for a safe one")
        states = {event["visibleSecurityState"]["securityState"]
                  for event in browser.told("Security.visibleSecurityStateChanged")}
        check(states and states <= {"secure", "neutral"} and "secure" in states,
              f"a lock, and no warning, beside the address: {states}")
        web = [event["url"] for event in browser.told("Network.webSocketCreated")]
        check(any(url.startswith(f"wss://{SERVER}") and "/channels" in url for url in web), f"the WebSocket: {web}")
        bad = [event["response"]["status"] for event in browser.told("Network.webSocketHandshakeResponseReceived")
               if event["response"]["status"] != 101]
        check(not bad, f"it was opened: {bad}")

    def a_kernel_runs_what_is_typed(self):
        self.browser.value(TYPE_AND_RUN)
        said = wait_until("the cell's output", 60, lambda: self.browser.value(OUTPUT), 0.2)
        check(said == "/work/books 42\n", f"the cell: {said!r}")

    def serial(self):
        """Of the certificate that the relay shows now."""
        with socket.create_connection((SERVER, self.port), 10) as plain, \
                self.trusted().wrap_socket(plain, server_hostname=SERVER) as secret:
            return secret.getpeercert()["serialNumber"]

    def a_renewed_certificate_ends_nobody(self):
        before = self.serial()
        make_web_certificate(self.market.dir)
        wait_until("the new one is shown", 10, lambda: self.serial() != before)
        self.browser.value(TYPE_AND_RUN)
        said = wait_until("the kernel that was open still answers", 30, lambda: self.browser.value(OUTPUT), 0.2)
        check(said == "/work/books 42\n", f"the cell: {said!r}")
        closed = self.browser.told("Network.webSocketClosed")
        check(not closed, f"no WebSocket was closed: {closed}")
        (self.market.dir / "web.pem").write_text("half of a certifi")
        renewed = self.serial()
        wait_until("what is none is told of", 10,
                   lambda: "relay certificate" in (self.market.dir / "server.log").read_text())
        check(self.serial() == renewed, "and the last good one stays")
        make_web_certificate(self.market.dir)

    def it_is_the_same_after_a_restart(self):
        market, url = self.market, self.market.instance(self.id)["jupyter_url"]
        self.browser.close()
        self.browser = None
        market.berth("stop", "instance", self.id)
        market.wait_status(self.id, "stopped", 60)
        check(market.instance(self.id)["jupyter_url"] is None, "nothing to open while it is stopped")
        market.berth("start", "instance", self.id)
        check(market.wait_running(self.id, 180)["jupyter_url"] == url, "the same address")
        wait_until("it answers there", 30, lambda: self.ask(f"/api/contents/cell.ipynb?token={self.token}")[0] == 200)

    def traffic_is_counted(self):
        size, market = 30_000_000, self.market
        market.ssh(self.id, f"head -c {size} /dev/zero > /work/books/zeros")
        up = "SELECT bytes_up FROM contract WHERE id = ?"
        before = market.sql(up, self.id)[0][0]
        status, got = self.ask(f"/files/zeros?token={self.token}")
        check(status == 200 and len(got) == size, f"a download: {status}, {len(got)}")
        wait_until("it is counted", 20, lambda: market.sql(up, self.id)[0][0] - before >= size)
        counted = market.sql(up, self.id)[0][0] - before
        check(counted <= size * 1.02, f"once, and no more than 2 % beside it: {counted}")

    def without_a_certificate_it_is_behind_ssh(self):
        market = self.market
        market.kill("server")
        at = market.server_options.index("--relay-https-cert")
        del market.server_options[at:at + 4]
        market.restart_server()
        row = wait_until("its address", 60, lambda: market.wait_running(self.id, 60))
        check(row["jupyter_url"] == f"http://localhost:8080/?token={self.token}", f"through SSH: {row['jupyter_url']}")
        check("8080/tcp" not in row["ports"], f"no port that leads nowhere: {row['ports']}")
        with check_refused():
            socket.create_connection((SERVER, self.port), 5).close()
        self.it_opens_through_ssh()
        self.close()

    def it_goes(self):
        self.market.destroy(self.id)


def run(options, topology):
    tar = jupyter_tar()
    market = make_market(topology, options.bin)
    market.server_options += make_certificate(market.dir) + make_web_certificate(market.dir)
    with market:
        import_jupyter(market, tar)
        browsing = Browsing(market)
        try:
            steps(browsing.cases())
        finally:
            browsing.close()
            if browsing.browser:
                browsing.browser.close()


# The image is made outside of the namespace, where the mirror is.
if __name__ == "__main__":
    for program in ("chromium", "certutil"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")
    if "--inside" not in sys.argv and os.geteuid() == 0:
        jupyter_tar()
    main(run)
