-- SPDX-License-Identifier: Apache-2.0
-- What a decision leaves behind for what comes after it.

-- GPUs that on-demand rentals will get, and that others have to let go of first.
ALTER TABLE machine ADD COLUMN promised I64 NOT NULL DEFAULT 0 CHECK (promised >= 0);
-- Of one that had to make way: what would have kept it, in ticks; -1: nothing.
ALTER TABLE bid ADD COLUMN keep_ticks I64 NOT NULL DEFAULT -1 CHECK (keep_ticks >= -1);
