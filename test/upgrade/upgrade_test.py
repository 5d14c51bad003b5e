#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The books of every release (released/VERSION, made by snapshot.py) come up to date on both databases: every row is
there, every invariant holds, and the schema is the one that a new market gets.

    upgrade_test.py --bin build/bin
"""

import argparse
import gzip
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cluster"))
from cluster import Postgres, postgres_programs  # noqa: E402

RELEASED = pathlib.Path(__file__).parent / "released"
COUNTED = ("contract", "journal", "transfer", "machine", "users")


def berthd(options, *words):
    done = subprocess.run([options.bin / "berthd", *map(str, words)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def counts_of(ask):
    tables = {name for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'table'")} if ask.is_sqlite else {
        name for (name,) in ask("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")}
    return {table: int(ask(f"SELECT count(*) FROM {table}")[0][0]) for table in COUNTED if table in tables}


class Sqlite:
    is_sqlite = True

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o700)

    def load(self, release):
        (self.folder / "berth.sqlite").write_bytes(gzip.decompress((release / "sqlite.gz").read_bytes()))

    def where(self):
        return "--data", self.folder

    def __call__(self, sql):
        with sqlite3.connect(self.folder / "berth.sqlite") as database:
            return database.execute(sql).fetchall()

    def schema(self):
        return sorted(str(row) for row in self("SELECT type, name, tbl_name, sql FROM sqlite_master"))


class Database:
    """One of a PostgreSQL."""
    is_sqlite = False

    def __init__(self, postgres, name):
        self.postgres, self.name = postgres, name
        postgres.run("createdb", "-h", postgres.folder, "-p", str(postgres.port), "-U", "berth", name)

    def load(self, release):
        path = self.postgres.folder.parent / "dump.sql"
        path.write_bytes(gzip.decompress((release / "postgres.sql.gz").read_bytes()))
        path.chmod(0o644)
        self.postgres.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.postgres.folder, "-p",
                          str(self.postgres.port), "-U", "berth", "-d", self.name, "-f", path)

    def where(self):
        return "--store", f"postgres://berth@127.0.0.1:{self.postgres.port}/{self.name}"

    def __call__(self, sql):
        return self.postgres.query(sql, database=self.name)

    def schema(self):
        text = self.postgres.run("pg_dump", "-h", self.postgres.folder, "-p", str(self.postgres.port), "-U", "berth",
                                 "--schema-only", "--no-owner", self.name)
        return sorted(line.rstrip(",") for line in text.splitlines() if not re.match(r"--|\\|$", line))


def upgrade(options, release, old, fresh):
    old.load(release)
    before = counts_of(old)
    version = int(old("SELECT max(version) FROM migration")[0][0])
    berthd(options, "migrate", *old.where())
    berthd(options, "migrate", *fresh.where())
    now = int(old("SELECT max(version) FROM migration")[0][0])
    assert counts_of(old) == before and before["contract"] > 0, (before, counts_of(old))
    assert old.schema() == fresh.schema(), sorted(set(old.schema()) ^ set(fresh.schema()))[:4]
    said = berthd(options, "check", *old.where())
    assert said.startswith("sound:"), said
    return f"{release.name} on {'SQLite' if old.is_sqlite else 'PostgreSQL'}: from migration {version} to {now}, {before}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    options = parser.parse_args()
    if postgres_programs() is None:
        print("NOT RUN: PostgreSQL is needed")
        return 77
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-upgrade-"))
    postgres, passed = Postgres(folder), 0
    try:
        postgres.start()
        releases = sorted(path for path in RELEASED.iterdir() if path.is_dir())
        assert releases, "no release is kept"
        for number, release in enumerate(releases):
            for old, fresh in ((Sqlite(folder / f"old{number}"), Sqlite(folder / f"new{number}")),
                               (Database(postgres, f"old{number}"), Database(postgres, f"new{number}"))):
                passed += 1
                print(f"ok {passed} - {upgrade(options, release, old, fresh)}", flush=True)
    finally:
        if postgres.process is not None:
            postgres.kill()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
