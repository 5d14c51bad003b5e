-- SPDX-License-Identifier: Apache-2.0
-- A renter's statement of a month, numbered without gaps (series INV of bill_series). gross is what
-- its lines come to: those of usage_line with its owner and the days of its month, which nothing is
-- added to after it is made. total: the same in whole cents. month: market/billing.h.
CREATE TABLE renter_invoice (
  id ID,
  owner_id I64 NOT NULL REFERENCES users(id),
  number TEXT NOT NULL UNIQUE,
  month I64 NOT NULL CHECK (month > 0),
  gross I64 NOT NULL,
  total I64 NOT NULL CHECK (total - gross BETWEEN -5000000 AND 5000000 AND total % 10000000 = 0),
  made_us I64 NOT NULL,
  UNIQUE (owner_id, month)
) STRICT;

-- Up to which month an account's usage is on statements.
ALTER TABLE users ADD COLUMN billed_month I64 NOT NULL DEFAULT 0;
CREATE INDEX users_billed ON users(billed_month, id);
