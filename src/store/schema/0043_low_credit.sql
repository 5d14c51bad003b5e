-- SPDX-License-Identifier: Apache-2.0
-- Accounts that want to be warned below an amount of their own, in nanodollars; and when each level
-- of warning was mailed last (market/warning.h).

ALTER TABLE users ADD COLUMN low_credit I64 NOT NULL DEFAULT 0 CHECK (low_credit >= 0);
ALTER TABLE users ADD COLUMN warns_low I64 NOT NULL DEFAULT 0 CHECK (warns_low IN (0, 1));

CREATE TABLE credit_warning (
  user_id I64 NOT NULL REFERENCES users(id),
  level I64 NOT NULL CHECK (level BETWEEN 0 AND 3),
  told_us I64 NOT NULL,
  PRIMARY KEY (user_id, level)
) STRICT;
