-- SPDX-License-Identifier: Apache-2.0
-- For how long its disk is charged while its host is out of contact: fixed when it is rented.
ALTER TABLE contract ADD COLUMN disk_offline_us I64 NOT NULL DEFAULT 259200000000
  CHECK (disk_offline_us >= 0);
