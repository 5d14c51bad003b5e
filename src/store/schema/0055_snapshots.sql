-- SPDX-License-Identifier: Apache-2.0
-- A snapshot of an instance's files: what it is pushed as, the login to there (sealed), and whether its
-- processes stand still meanwhile.
ALTER TABLE op ADD COLUMN image TEXT;
ALTER TABLE op ADD COLUMN login TEXT;
ALTER TABLE op ADD COLUMN is_paused I64 NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1));
