-- SPDX-License-Identifier: Apache-2.0
-- A listing whose end rolls forward, so long ahead (0: it stays); and when a machine is announced to
-- be away.
ALTER TABLE machine ADD COLUMN listing_roll_us I64 NOT NULL DEFAULT 0 CHECK (listing_roll_us >= 0);
CREATE INDEX machine_listing_end ON machine(listing_end_us) WHERE is_listed = 1;

CREATE TABLE maintenance (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  start_us I64 NOT NULL,
  end_us I64 NOT NULL,
  category TEXT NOT NULL,
  created_us I64 NOT NULL,
  cancelled_us I64,
  CHECK (end_us > start_us)
) STRICT;
CREATE INDEX maintenance_machine ON maintenance(machine_id, start_us) WHERE cancelled_us IS NULL;
