#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A renter's browser on a host behind NAT: Chromium opens the notebook that `berth open` leads to,
through SSH and the market's relay, which speaks TLS with the host; it warns of nothing, and a kernel runs
a cell that is typed into the page."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request

from jupyter_test import PORT, Jupyter, WebSocket, import_jupyter, jupyter_tar
from market import skip
from nat import check, main, make_certificate, make_market, steps, wait_until

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


class Chromium:
    """One page of a browser without a window, driven over its debugging port."""

    def __init__(self, folder):
        self.log = open(folder / "chromium.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
             f"--remote-debugging-port={DEBUG_PORT}", f"--user-data-dir={folder}/chromium", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
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


class Browsing(Jupyter):
    def __init__(self, market):
        super().__init__(market)
        self.browser = None

    def cases(self):
        names = ["an_instance_behind_nat_runs", "it_opens_through_ssh", "chromium_opens_it_and_warns_of_nothing",
                 "a_kernel_runs_what_is_typed", "it_goes"]
        return [(name.replace("_", " "), getattr(self, name)) for name in names]

    def an_instance_behind_nat_runs(self):
        self.market.list_machine()
        self.an_instance_with_it_runs()
        check("(TLS)" in (self.market.dir / "server.log").read_text(), "the relay speaks TLS with the host")

    def chromium_opens_it_and_warns_of_nothing(self):
        request = urllib.request.Request(f"http://localhost:{PORT}/api/contents/cell.ipynb?token={self.token}",
                                         json.dumps({"type": "notebook", "content": NOTEBOOK}).encode(), method="PUT")
        with urllib.request.urlopen(request, timeout=30) as reply:
            check(reply.status == 201, f"a notebook: {reply.status}")
        self.browser = browser = Chromium(self.market.dir)
        for part in ("Page", "Network", "Security", "Log"):
            browser.call(f"{part}.enable")
        address = f"http://localhost:{PORT}/notebooks/cell.ipynb?token={self.token}"
        check("errorText" not in browser.call("Page.navigate", url=address), "the page loads")
        wait_until("the notebook and its kernel", 120, lambda: browser.value(IS_READY), 0.5)
        check(browser.value("window.isSecureContext") is True, "the browser takes the page for a safe one")
        states = {event["visibleSecurityState"]["securityState"]
                  for event in browser.told("Security.visibleSecurityStateChanged")}
        check(states and not states & {"insecure", "insecure-broken"}, f"no warning beside the address: {states}")
        socket = [event["url"] for event in browser.told("Network.webSocketCreated")]
        check(any("/channels" in url for url in socket), f"the kernel's WebSocket: {socket}")
        bad = [event["response"]["status"] for event in browser.told("Network.webSocketHandshakeResponseReceived")
               if event["response"]["status"] != 101]
        check(not bad, f"it was opened: {bad}")

    def a_kernel_runs_what_is_typed(self):
        self.browser.value(TYPE_AND_RUN)
        said = wait_until("the cell's output", 60, lambda: self.browser.value(OUTPUT), 0.2)
        check(said == "/work/books 42\n", f"the cell: {said!r}")

    def it_goes(self):
        self.browser.close()
        self.browser = None
        self.close()
        self.market.destroy(self.id)


def run(options, topology):
    tar = jupyter_tar()
    market = make_market(topology, options.bin)
    market.server_options += make_certificate(market.dir)
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
    if shutil.which("chromium") is None:
        skip("chromium is not installed")
    if "--inside" not in sys.argv and os.geteuid() == 0:
        jupyter_tar()
    main(run)
