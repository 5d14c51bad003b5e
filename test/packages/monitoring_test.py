#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every number that the dashboard, the alerts and `berthd top` ask for is one that berthd or berth-host serves; and the dashboard is
what tools/dashboard.py makes. Prometheus takes the rules and the configuration, where its promtool is here."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OTHERS = {"up"}  # Prometheus's own


def served(binary):
    with tempfile.TemporaryDirectory(prefix="berth-metrics-") as folder:
        process = subprocess.Popen([binary / "berthd", "serve", "--data", folder, "--listen", "127.0.0.1:0",
                                    "--metrics-listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        try:
            address = None
            for line in process.stderr:
                if match := re.match(r"berthd: metrics on (\S+)", line):
                    address = match[1]
                if line.startswith("berthd: ready on "):
                    urllib.request.urlopen(line.split()[-1] + "/healthz", timeout=10).read()
                    break
            text = urllib.request.urlopen(address + "/metrics", timeout=10).read().decode()
        finally:
            process.terminate()
            process.wait(30)
    return set(re.findall(r"^# TYPE (\S+)", text, re.M))


def served_by_host(binary):
    """Of a host without an engine or a server: its numbers are there all the same. It needs root."""
    with tempfile.TemporaryDirectory(prefix="berth-host-metrics-") as folder:
        process = subprocess.Popen([binary / "berth-host", "run", "--server", "http://127.0.0.1:9", "--token", "none", "--data",
                                    folder, "--engine", f"unix://{folder}/none.sock", "--simulate-gpus", "/dev/null",
                                    "--open-network", "--pool", "0", "--metrics-listen", "127.0.0.1:0"],
                                   stderr=subprocess.PIPE, text=True)
        try:
            said = ""
            for line in process.stderr:
                said += line
                if match := re.search(r"at (http://\S+/metrics)", line):
                    text = urllib.request.urlopen(match[1], timeout=10).read().decode()
                    return set(re.findall(r"^# TYPE (\S+)", text, re.M))
            raise AssertionError(f"berth-host serves no numbers: {said}")
        finally:
            process.terminate()
            process.wait(30)


def check_rules():
    promtool = shutil.which("promtool")
    if promtool is None:
        print("NOT RUN: promtool is not here (prometheus)")
        return
    for words in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        done = subprocess.run([promtool, "check", words[0], ROOT / "deploy/monitoring" / words[1]], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0 and "SUCCESS" in done.stdout, f"{words[1]}: {done.stdout}{done.stderr}"


def main():
    binary = pathlib.Path(sys.argv[sys.argv.index("--bin") + 1])
    made = subprocess.run([sys.executable, "-B", ROOT / "tools/dashboard.py"], capture_output=True, text=True, check=True)
    dashboard = (ROOT / "deploy/monitoring/grafana.json").read_text()
    assert made.stdout == dashboard, "deploy/monitoring/grafana.json is not what tools/dashboard.py makes"
    queries = [t["expr"] for p in json.loads(dashboard)["panels"] for t in p["targets"]]
    queries += re.findall(r"^ *expr: (.*)$", (ROOT / "deploy/monitoring/alerts.yml").read_text(), re.M)
    names = {re.sub(r"_(bucket|sum|count)$", "", name)
             for query in queries for name in re.findall(r"\b(?:berth|process)_\w+", query)}
    names |= set(re.findall(r'"(berth_\w+_[a-z]+)"', (ROOT / "src/server/top.c").read_text())) - {"berth_http_request_seconds_bucket"}
    hosts = {name for name in names if name.startswith("berth_host_")}
    if os.geteuid() == 0:
        missing_of_host = hosts - served_by_host(binary)
        assert hosts and not missing_of_host, f"asked for, and served by no host: {sorted(missing_of_host)}"
    else:
        print("NOT RUN: berth-host needs root")
    check_rules()
    missing = names - hosts - served(binary) - OTHERS
    assert not missing, f"asked for, and served by nobody: {sorted(missing)}"
    print(f"{len(names)} numbers in {len(queries)} queries\n1 passed, 0 failed")


if __name__ == "__main__":
    main()
