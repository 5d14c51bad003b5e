#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every berthd of a market is restarted, one after the other, by deploy/rolling-restart behind nginx with
deploy/nginx.conf: every request is answered as if nothing were, and no host is lost.

    make rolling-restart SERVERS=2
"""

import http.server
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cluster import Cluster, ROOT, enter  # noqa: E402
from patience import check  # noqa: E402
from kill_test import Renter  # noqa: E402

HOSTS, GPUS, RENTERS = 2, 4, 4


class Watched:
    """A market whose every answer is looked at."""

    def __init__(self, cluster):
        self.cluster, self.failed, self.answers = cluster, [], 0

    def call(self, *words, **named):
        try:
            status, reply = self.cluster.call(*words, **named)
        except OSError as failure:
            self.failed.append(f"{words[:2]}: {failure}")
            raise
        self.answers += 1
        if status >= 500:
            self.failed.append(f"{words[:2]}: {status} {reply}")
        return status, reply


def control(wanted):
    """What the restart's command asks to restart a server. Processes die with the thread that made them, so the
    main one must do it."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            done = threading.Event()
            wanted.put((self.path[1:], done))
            self.send_response(200 if done.wait(90) else 500)
            self.end_headers()

        def log_message(self, *words):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return listener.server_address[1]


def run(options, folder):
    cluster = Cluster(options.bin, folder, options.servers)
    try:
        cluster.start()
        watched = Watched(cluster)
        renters = [Renter(watched, account, 1) for account in cluster.settle(HOSTS, GPUS, RENTERS)]
        for renter in renters:
            renter.start()
        time.sleep(2)
        wanted = queue.Queue()
        restart = folder / "restart"
        restart.write_text(f"#!/bin/sh\nexec curl -sf --max-time 60 http://127.0.0.1:{control(wanted)}/$1\n")
        restart.chmod(0o755)
        before = [server.process.pid for server in cluster.servers]
        reload = f"{shutil.which('nginx', path='/usr/sbin:/sbin:/usr/bin')} -p {folder} -c {folder}/nginx.conf -s reload"
        script = subprocess.Popen([ROOT / "deploy/rolling-restart", cluster.upstream, restart], stderr=cluster.log,
                                  stdout=cluster.log, env={**os.environ, "NGINX_RELOAD": reload})
        while script.poll() is None:
            try:
                address, done = wanted.get(timeout=0.2)
            except queue.Empty:
                continue
            next(s for s in cluster.servers if f"127.0.0.1:{s.port}" == address).restart()
            done.set()
        check(script.returncode == 0, "rolling-restart: it failed")
        check(not set(before) & {server.process.pid for server in cluster.servers}, "all were restarted")
        time.sleep(2)
        for renter in renters:
            renter.stopping.set()
        for renter in renters:
            renter.join(60)
            check(renter.trouble is None, f"a renter: {renter.trouble}")
        check(not watched.failed, f"{len(watched.failed)} of {watched.answers}: {watched.failed[:5]}")
        lost = cluster.postgres.query("SELECT count(*) FROM machine WHERE is_online = 0")[0][0]
        check(lost == "0", f"{lost} hosts were lost")
        cluster.check_books()
        check(watched.answers > 100, f"only {watched.answers} answers")
        print(f"{options.servers} servers restarted: {watched.answers} requests, all answered")
        print("1 passed, 0 failed")
    finally:
        cluster.stop()


if __name__ == "__main__":
    enter(run, "rolling")
