-- SPDX-License-Identifier: Apache-2.0
-- What was paid has a receipt with a number, without gaps in a year (series REC of bill_series). What
-- arrived before this has none: its receipt goes by the number of its deposit.
ALTER TABLE deposit ADD COLUMN receipt TEXT;
CREATE UNIQUE INDEX deposit_receipt ON deposit(receipt) WHERE receipt IS NOT NULL;
