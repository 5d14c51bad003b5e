#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A base backup of PostgreSQL and its archived log, taken under load, and the market set back to a moment between
both, as docs/operator.md has it: books are sound, what came later is explained, no instance is stopped or deleted.

    pitr_test.py --bin build/bin
"""

import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cluster import Cluster, Postgres, enter  # noqa: E402
from patience import Failure, check, wait_until  # noqa: E402
from failover_test import rent_quietly, starts  # noqa: E402
from kill_test import Renter  # noqa: E402

HOSTS, GPUS, RENTERS = 3, 4, 3


def archive_of(folder):
    archive = folder / "archive"
    archive.mkdir(mode=0o777)
    archive.chmod(0o777)
    return archive


class Restored(Postgres):
    """The base backup, rolled forward to a moment."""

    def __init__(self, folder, base, archive, moment):
        super().__init__(folder, "restored", of=None, options=(
            f"restore_command=cp {archive}/%f %p", f"recovery_target_time={moment}", "recovery_target_action=promote"))
        shutil.rmtree(self.folder / "data")
        self.run("/bin/cp", "-a", base / "data", self.folder / "data")
        for name, does_exist in (("standby.signal", False), ("recovery.signal", True)):
            (self.folder / "data" / name).unlink(missing_ok=True)
            if does_exist:
                (self.folder / "data" / name).touch()
        # Of the backup's own copy that followed.
        (self.folder / "data/postgresql.auto.conf").write_text("")


def starts_after(folder, numbers, before):
    return starts(folder, numbers)[len(before):]


def run(options, folder):
    archive = archive_of(folder)
    cluster = Cluster(options.bin, folder, 2)
    cluster.postgres.options = ("archive_mode=on", f"archive_command=test ! -f {archive}/%f && cp %p {archive}/%f")
    restored = None
    try:
        cluster.start()
        accounts = cluster.settle(HOSTS, GPUS, RENTERS)
        kept, destroyed = rent_quietly(cluster, accounts[0]), rent_quietly(cluster, accounts[0])
        renters = [Renter(cluster, account, 1) for account in accounts[1:]]
        for renter in renters:
            renter.start()
        time.sleep(2)
        base = Postgres(folder, "base", of=cluster.postgres)  # while they go on
        time.sleep(2)
        moment = cluster.postgres.query("SELECT clock_timestamp()")[0][0]
        time.sleep(1)
        unknown = wait_until("one more", 120, lambda: rent_or_none(cluster, accounts[0]))
        status, reply = cluster.call("DELETE", f"/api/v0/instances/{destroyed}/", {}, accounts[0]["api_key"])
        check(status == 200, f"destroyed: {reply}")
        time.sleep(3)
        for renter in renters:
            renter.stopping.set()
        for renter in renters:
            renter.join(60)
        cluster.postgres.query("SELECT pg_switch_wal()")
        wait_until("the archive has all", 30, lambda: cluster.postgres.query(
            "SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal >= "
            "pg_walfile_name(pg_current_wal_lsn() - 16777216)")[0][0] == "1")
        for server in cluster.servers:
            server.kill()
        cluster.postgres.kill()
        before = starts(folder, {kept, unknown, destroyed})

        restored = Restored(folder, base.folder, archive, moment)
        restored.start()
        wait_until("it is promoted", 60, lambda: restored.query("SELECT pg_is_in_recovery()") == [["f"]])
        cluster.postgres = restored
        cluster.store = cluster.url()
        cluster.check_books()
        begun = cluster.berthd("recovery", "begin", "--store", cluster.url())
        check(begun.returncode == 0, f"recovery begin: {begun.stderr}")
        for server in cluster.servers:
            server.start()

        def show(wanted):
            said = cluster.berthd("recovery", "show", "--store", cluster.url()).stdout
            return said if wanted in said else None
        view = wait_until("all report", 60, lambda: show(f"{HOSTS} have reported"))
        check(f"in no book (made in the gap; stopped and kept at the end): instance {unknown} " in view, view)
        check(f"not on its machine (destroyed in the gap, or not made yet): instance {destroyed} " in view, view)
        time.sleep(8)
        after = starts_after(folder, {kept, unknown, destroyed}, before)
        check(not after, f"hosts did something: {after}")
        ended = cluster.berthd("recovery", "end", "--store", cluster.url())
        check(ended.returncode == 0, f"recovery end: {ended.stderr}")
        wait_until("the market goes on", 30, lambda: cluster.call(
            "PUT", f"/api/v0/instances/{kept}/", {"label": "on"}, accounts[0]["api_key"])[0] == 200)
        time.sleep(3)
        check(not starts_after(folder, {kept}, before), "what ran runs")
        check(not [line for line in starts_after(folder, {unknown}, before) if line.endswith("goes")],
              "what is in no book is deleted by nobody")
        cluster.check_books()
        print("# " + view.strip().replace("\n", "\n# "))
        print("ok - set back to a moment under load: books are sound, the gap is explained, instances ran through\n"
              "1 passed, 0 failed")
    finally:
        if restored is not None and restored.process is not None and restored.process.poll() is None:
            restored.kill()
        cluster.stop()


def rent_or_none(cluster, renter):
    try:
        return rent_quietly(cluster, renter)
    except Failure:
        return None


if __name__ == "__main__":
    enter(run, "pitr")
