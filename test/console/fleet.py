# SPDX-License-Identifier: Apache-2.0
"""Machines that exist on paper, listed and kept in contact by a thread, for pages that want a market to show."""

import secrets
import threading

from world import Machine

BEAT_SECONDS = 5


class PaperMachine(Machine):
    def report_of(self, instance):
        """Its files are reached while it is stopped, too."""
        report = super().report_of(instance)
        return report | {"ssh_port": 40000 + instance["id"] % 100} if report["phase"] != "absent" else report


class Fleet:
    """Each row: model, MB of one GPU, GPUs, dollars an hour and GPU, Mbit/s, and where it is."""

    def __init__(self, world, host, rows):
        self.world, self.host, self.over = world, host, threading.Event()
        self.machines = [self.add(i, *row) for i, row in enumerate(rows)]
        self.thread = threading.Thread(target=self.beat, daemon=True)

    def add(self, i, name, memory_mb, count, price, mbits, place=""):
        gpus = [{"uuid": f"GPU-{secrets.token_hex(16)}", "name": name, "memory_mb": memory_mb, "compute_cap": 890,
                 "power_max_w": 450, "pcie_gen": 4, "pcie_lanes": 16, "pci_bus": f"0000:{i % 200:02x}:{g:02x}.0"}
                for g in range(count)]
        facts = {"gpus": gpus, "hostname": f"rack-{i + 1}", "cpu_cores": 16 * count, "ram_mb": 64000 * count,
                 "inet_up_kbps": mbits * 1000, "inet_down_kbps": mbits * 1000,
                 "public_ip": f"203.0.113.{i % 250 + 1}"}
        token = self.host.ok("POST", "/api/v0/machines/enroll_token/", {})["token"]
        machine = PaperMachine(self.world, token, count, facts)
        self.host.ok("PUT", "/api/v0/machines/create_asks/", {
            "machine": machine.id, "price_gpu": price, "price_disk": 0.12, "price_inetu": 0.002, "price_inetd": 0.001,
            "price_min_bid": round(price * 0.4, 3), "min_chunk": 1, "duration": "3 months",
            "vol_size": 100, "vol_price": 0.1, "credit_discount_max": 0.25 if i % 2 else 0})
        if place:
            self.world.admin("machine", "place", str(machine.id), place)
        machine.follow()
        return machine

    def beat(self):
        while not self.over.wait(BEAT_SECONDS):
            for machine in self.machines:
                machine.follow()
                if machine.finish_ops("done, nothing lay there\n"):
                    machine.desired["ops"] = []

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.over.set()
        self.thread.join()
