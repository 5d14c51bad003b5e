-- SPDX-License-Identifier: Apache-2.0
-- A machine turns its key: the one before stays good until then, for what was on its way (flow/machine_key.h). 0: it is the
-- one that it was enrolled with.
ALTER TABLE machine ADD COLUMN key_since_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN former_key BYTES;
ALTER TABLE machine ADD COLUMN former_until_us I64 NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX machine_former_key ON machine (former_key) WHERE former_key IS NOT NULL;
