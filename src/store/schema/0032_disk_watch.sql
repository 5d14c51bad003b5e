-- SPDX-License-Identifier: Apache-2.0
-- When its renter was warned that its disk is nearly full; 0: it is not.
ALTER TABLE contract ADD COLUMN disk_warned_us I64 NOT NULL DEFAULT 0;
