-- SPDX-License-Identifier: Apache-2.0
-- How a command ended, -1 where that is not known; and since when a log is wanted, whose lines then
-- begin with their times.
ALTER TABLE op ADD COLUMN exit_code I64 NOT NULL DEFAULT -1 CHECK (exit_code BETWEEN -1 AND 255);
ALTER TABLE op ADD COLUMN since TEXT;
