#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hours of an ordinary market on two berthd and one PostgreSQL: how memory and descriptors go. Once a quarter of the
time has gone by, memory may grow by 1 % and descriptors not at all.

    make soak MINUTES=360
"""

import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cluster import Cluster, enter  # noqa: E402
from patience import check  # noqa: E402
from kill_test import Renter  # noqa: E402

HOSTS, GPUS, RENTERS, PAUSE_S = 4, 4, 4, 0.5
GROWTH_PERCENT_MAX, SPARE_DESCRIPTORS = 1.0, 2


class Calm(Renter):
    """One step now and then, as people do."""

    def step(self):
        self.stopping.wait(PAUSE_S)
        return super().step()


def sample(pid):
    """Resident kilobytes, descriptors."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]), len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def judge(name, samples):
    """Medians of the first and of the last quarter after the warm-up; False: it grows."""
    warm = samples[len(samples) // 4:]
    part = max(1, len(warm) // 4)
    sizes = [statistics.median(kb for kb, _ in slice_) for slice_ in (warm[:part], warm[-part:])]
    open_files = [statistics.median(count for _, count in slice_) for slice_ in (warm[:part], warm[-part:])]
    growth = (sizes[1] / sizes[0] - 1) * 100
    print(f"{name}: {sizes[0] / 1024:.1f} MB, then {sizes[1] / 1024:.1f} MB ({growth:+.2f} %); descriptors "
          f"{open_files[0]:.0f}, then {open_files[1]:.0f}", flush=True)
    return growth <= GROWTH_PERCENT_MAX and open_files[1] <= open_files[0] + SPARE_DESCRIPTORS


def run(options, folder):
    cluster = Cluster(options.bin, folder, options.servers)
    try:
        cluster.start()
        renters = [Calm(cluster, account, 1) for account in cluster.settle(HOSTS, GPUS, RENTERS)]
        for renter in renters:
            renter.start()
        began, samples = time.monotonic(), [[] for _ in cluster.servers]
        while time.monotonic() - began < options.minutes * 60:
            time.sleep(min(15, options.minutes * 60 / 40))
            for server, kept in zip(cluster.servers, samples):
                check(server.process.poll() is None, "a server ended")
                kept.append(sample(server.process.pid))
            if len(samples[0]) % 40 == 0:
                print(f"# after {(time.monotonic() - began) / 60:.0f} min: " + ", ".join(
                    f"{kept[-1][0] / 1024:.1f} MB and {kept[-1][1]} descriptors" for kept in samples), flush=True)
        for renter in renters:
            renter.stopping.set()
        for renter in renters:
            renter.join(60)
            check(renter.trouble is None, f"a renter: {renter.trouble}")
        cluster.check_books()
        print(f"{options.minutes} minutes, {options.servers} servers, {HOSTS} hosts: "
              f"{sum(renter.answers for renter in renters)} answers, "
              f"{sum(len(renter.rented) for renter in renters)} rentals", flush=True)
        is_steady = [judge(f"berthd {number}", kept) for number, kept in enumerate(samples)]
        check(all(is_steady), "memory or descriptors grow")
        print("1 passed, 0 failed")
    finally:
        cluster.stop()


if __name__ == "__main__":
    enter(run, "soak", minutes=360.0)
