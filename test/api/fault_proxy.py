# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of a payment provider that cuts, delays, repeats and spoils: at every call, and in it at every byte.

What goes wrong on the way there: the request breaks off, or a byte of it is another, or it does not arrive, or it arrives when the
caller has long given up and asked again, or twice, at once or later. On the way back: the answer breaks off, is spoiled, is somebody
else's, or comes late. For each kind of call it goes through a list of faults of its own, one for each time that such a call is made; a kind whose list is used up is left in peace. So a peer that asks again often enough meets every fault, and then
gets through: that is the healing.
"""

import collections
import re
import socket
import threading
import time


def kind_of(head):
    """POST /v1/transfers/tr_9/reversals and its like are one kind."""
    method, target = head.split(b"\r\n", 1)[0].decode().split(" ")[:2]
    path = target.partition("?")[0]
    return method + " " + re.sub(r"/(?=[^/]*\d)[A-Za-z]+[A-Za-z0-9_-]*", "/ID", path[3:])


def read_message(sock):
    """Head and body; None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: *(\d+)", head)
    length = int(found.group(1)) if found else 0
    while len(body) < length:
        piece = sock.recv(65536)
        if not piece:
            return None
        body += piece
    return head + b"\r\n\r\n" + body


class FaultProxy:
    def __init__(self, port, step=1, first=0, delay=0.02):
        self.target, self.step, self.first, self.delay = port, step, first, delay
        self.lock = threading.Lock()
        self.plans, self.done = {}, 0  # by kind: faults that are still to come
        self.by_fault = collections.Counter()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def left(self):
        with self.lock:
            return sum(plan is not None and len(plan) for plan in self.plans.values())

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with sock:
            while True:
                request = read_message(sock)
                if request is None or not self.pass_on(sock, request):
                    return

    def ask(self, request, is_part=False):
        """The reply of the provider; of a part of a request it hears that nothing more comes."""
        with socket.create_connection(("127.0.0.1", self.target)) as sock:
            sock.sendall(request)
            if is_part:
                sock.shutdown(socket.SHUT_WR)
            return read_message(sock) or b""

    def ask_later(self, request):
        """When whoever asked has gone, and perhaps asked again."""
        threading.Timer(self.delay, self.ask, (request,)).start()

    def plan_of(self, request):
        """What is to go wrong, in this order, as soon as a reply was seen: what leaves nothing of it comes last."""
        head = request.partition(b"\r\n\r\n")[0]
        name = kind_of(head)
        with self.lock:
            if name not in self.plans:
                reply = self.ask(request)
                body = reply.find(b"\r\n\r\n") + 4
                plan = [("cut", 0), ("500", 0), ("429", 0), ("kind", 0), ("late", 0)]
                plan += [("part", at) for at in range(1 + self.first, len(request), self.step)]
                plan += [("garble", at) for at in range(self.first, len(request), self.step)]
                plan += [("lost", at) for at in range(self.first, len(reply), self.step)]
                plan += [("spoil", at) for at in range(body + self.first, len(reply), self.step)]
                self.plans[name] = plan + [("delay", 0), ("twice", 0), ("again", 0)]
            if not self.plans[name]:
                return None
            self.done += 1
            self.by_fault[self.plans[name][0][0]] += 1
            return self.plans[name].pop(0)

    def pass_on(self, sock, request):
        """False: this connection is over."""
        fault, at = self.plan_of(request) or (None, 0)
        if fault == "cut":
            return False
        if fault == "late":
            self.ask_later(request)
            return False
        if fault == "part":
            self.ask(request[:min(at, len(request) - 1)], True)
            return False
        if fault == "garble":
            at = min(at, len(request) - 1)
            request = request[:at] + b"\x01" + request[at + 1:]
        if fault == "again":
            self.ask_later(request)
        if fault == "500":
            sock.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
            return True
        if fault == "429":
            sock.sendall(b"HTTP/1.1 429 Slowly\r\nContent-Length: 0\r\n\r\n")
            return True
        if fault == "twice":
            self.ask(request)
        if fault == "delay":
            time.sleep(self.delay)
        reply = self.ask(request)
        at = min(at, len(reply) - 1)  # this one may be shorter than the first of its kind
        if fault == "lost":
            sock.sendall(reply[:at])
            return False
        if fault == "kind":
            reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<html>no\n"
        if fault == "spoil":
            reply = reply[:at] + b"\x01" + reply[at + 1:]
        sock.sendall(reply)
        # A head that was spoiled may have no end.
        return bool(reply) and fault != "spoil"
