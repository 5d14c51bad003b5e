-- SPDX-License-Identifier: Apache-2.0
-- Machines that their hosts took off the market for good. The row stays, for what was earned and
-- charged on it. 0: it is there.
ALTER TABLE machine ADD COLUMN removed_us I64 NOT NULL DEFAULT 0 CHECK (removed_us >= 0);
