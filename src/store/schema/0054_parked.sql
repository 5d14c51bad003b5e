-- SPDX-License-Identifier: Apache-2.0
-- GPU time that a posting did not charge, since it was more at once than one may cover and no outage
-- of ours explains it: a human decides (control.md 4.7). state: 1 waits, 2 charged, so much of it as
-- there was credit for, 3 dropped.
CREATE TABLE parked_tick (
  id ID,
  contract_id I64 NOT NULL REFERENCES contract(id),
  from_us I64 NOT NULL,
  gpu_us I64 NOT NULL CHECK (gpu_us > 0),
  outage_us I64 NOT NULL CHECK (outage_us >= 0),
  parked_us I64 NOT NULL,
  state I64 NOT NULL DEFAULT 1 CHECK (state IN (1, 2, 3)),
  charged_us I64 NOT NULL DEFAULT 0 CHECK (charged_us BETWEEN 0 AND gpu_us),
  decided_us I64 NOT NULL DEFAULT 0,
  CHECK (state = 2 OR charged_us = 0),
  CHECK ((state = 1) = (decided_us = 0))
) STRICT;
CREATE INDEX parked_tick_waiting ON parked_tick(id) WHERE state = 1;
CREATE INDEX parked_tick_contract ON parked_tick(contract_id);

-- How much one may cover, where an operator has said so; else an hour.
CREATE TABLE posting_guard (
  id I64 PRIMARY KEY CHECK (id = 1),
  tick_max_us I64 NOT NULL CHECK (tick_max_us >= 3600000000)
) STRICT;
