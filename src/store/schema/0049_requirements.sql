-- SPDX-License-Identifier: Apache-2.0
-- Who is verified follows from what is asked of a machine (market/requirement.h), unless an operator
-- has said so: what they said until now stands. When a line was bad last that keeps a machine off the
-- market, when its lines are looked at next, and since when its hardware is what it is.
ALTER TABLE machine ADD COLUMN verify_set I64 NOT NULL DEFAULT 0 CHECK (verify_set IN (0, 1));
ALTER TABLE machine ADD COLUMN verify_failed_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN verify_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN hardware_us I64 NOT NULL DEFAULT 0;
UPDATE machine SET verify_set = 1 WHERE verification = 1 OR (verification = 2 AND audit_debt = 0);
CREATE INDEX machine_verify ON machine(verify_us) WHERE is_online = 1;
