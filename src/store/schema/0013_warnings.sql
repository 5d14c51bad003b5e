-- SPDX-License-Identifier: Apache-2.0
-- Who is warned that credit ends, and how fast an account may spend.

-- Levels that were told of and not left behind since, as bits (market/warning.h); and when the next
-- is due.
ALTER TABLE users ADD COLUMN warned I64 NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN warn_us I64 NOT NULL DEFAULT 9223372036854775807;
CREATE INDEX users_warn ON users(warn_us) WHERE warn_us < 9223372036854775807;
-- Nanodollars an hour; 0: what its age and history allow.
ALTER TABLE users ADD COLUMN spend_cap I64 NOT NULL DEFAULT 0 CHECK (spend_cap >= 0);
