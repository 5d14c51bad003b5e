-- SPDX-License-Identifier: Apache-2.0
-- Who runs when: bids, idle jobs, what waits, and every decision between them.
-- Prices of bids are ticks: thousandths of a dollar for a GPU and hour. A machine without GPUs
-- counts as one GPU.

-- 1 on demand, 2 bid, 3 reserved, 4 a place of the host's idle job (market/rental.h).
ALTER TABLE contract ADD COLUMN kind I64 NOT NULL DEFAULT 1 CHECK (kind IN (1, 2, 3, 4));
-- What the slice cost on demand when the contract was made: nobody pays more.
ALTER TABLE contract ADD COLUMN list_hour I64 NOT NULL DEFAULT 0 CHECK (list_hour >= 0);
-- Since when there is something of it on its host, disk and meters; 0: a bid that never ran.
ALTER TABLE contract ADD COLUMN started_us I64 NOT NULL DEFAULT 0;
-- Since when the present run runs, its image pulled; 0: it does not.
ALTER TABLE contract ADD COLUMN ran_us I64 NOT NULL DEFAULT 0;
-- Told to make way: nothing of its last run is charged past this.
ALTER TABLE contract ADD COLUMN pause_us I64 NOT NULL DEFAULT 9223372036854775807;
UPDATE contract SET list_hour = gpu_hour, started_us = created_us;
CREATE INDEX contract_unfunded ON contract(owner_id, id)
  WHERE kind = 2 AND state = 7 AND reason = 2;

CREATE TABLE bid (
  contract_id I64 PRIMARY KEY REFERENCES contract(id),
  ticks I64 NOT NULL CHECK (ticks BETWEEN 1 AND 10000000),
  -- It raises itself up to here to go on running; 0: it does not.
  max_ticks I64 NOT NULL DEFAULT 0 CHECK (max_ticks BETWEEN 0 AND 10000000),
  -- The lowest bid that the machine took when this one was admitted.
  floor_ticks I64 NOT NULL CHECK (floor_ticks BETWEEN 0 AND 10000000),
  grace_s I64 NOT NULL CHECK (grace_s BETWEEN 0 AND 120),
  resumes I64 NOT NULL CHECK (resumes IN (0, 1)),
  placed_us I64 NOT NULL,
  -- 0: never.
  lowered_us I64 NOT NULL DEFAULT 0
) STRICT;

-- What the host runs on GPUs that nobody rents. Each GPU has a contract of kind 4.
CREATE TABLE idle_job (
  machine_id I64 PRIMARY KEY REFERENCES machine(id),
  ticks I64 NOT NULL CHECK (ticks BETWEEN 0 AND 10000000),
  up_tb I64 NOT NULL CHECK (up_tb >= 0),
  down_tb I64 NOT NULL CHECK (down_tb >= 0),
  spec TEXT NOT NULL,
  image TEXT NOT NULL,
  created_us I64 NOT NULL
) STRICT;

-- When the machine is to be decided about without anything happening: a minimum run ends.
ALTER TABLE machine ADD COLUMN decide_us I64 NOT NULL DEFAULT 9223372036854775807;
CREATE INDEX machine_decide ON machine(decide_us) WHERE decide_us < 9223372036854775807;

-- What a bid for the slice must be to run at once, by the hour; -1: none would.
ALTER TABLE offer ADD COLUMN run_bid_hour I64 NOT NULL DEFAULT -1 CHECK (run_bid_hour >= -1);

-- One row a decision that something hung on: those who ran before and after, as ids in order, and
-- what the bids among them come to, in ticks.
CREATE TABLE decision (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  at_us I64 NOT NULL,
  rule_version I64 NOT NULL,
  cause TEXT NOT NULL,
  inputs_hash BYTES NOT NULL,
  value_before I64 NOT NULL CHECK (value_before >= 0),
  value_after I64 NOT NULL CHECK (value_after >= 0),
  ran_before TEXT NOT NULL,
  runs_after TEXT NOT NULL
) STRICT;
CREATE INDEX decision_machine ON decision(machine_id, id);
ALTER TABLE contract_event ADD COLUMN decision_id I64 NOT NULL DEFAULT 0;
