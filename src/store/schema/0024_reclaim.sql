-- SPDX-License-Identifier: Apache-2.0
-- Hosts that want their machines back, and the longest notice that they give a bid.
ALTER TABLE machine ADD COLUMN grace_max_s I64 NOT NULL DEFAULT 120
  CHECK (grace_max_s BETWEEN 0 AND 120);

CREATE TABLE reclaim (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  at_us I64 NOT NULL,
  due_us I64 NOT NULL,
  reason TEXT NOT NULL,
  CHECK (due_us >= at_us)
) STRICT;
CREATE INDEX reclaim_machine ON reclaim(machine_id, id);
