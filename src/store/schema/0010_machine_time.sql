-- SPDX-License-Identifier: Apache-2.0
-- When anything last changed on the machine: no later change is dated before it, however long it
-- waited between looking at the clock and its turn.
ALTER TABLE machine ADD COLUMN changed_us I64 NOT NULL DEFAULT 0;
