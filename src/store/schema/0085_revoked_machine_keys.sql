-- SPDX-License-Identifier: Apache-2.0
-- When an operator took a machine's keys from it; 0: they are good. It comes back by a token that is for it alone
-- (flow/revoke_key.h); 0: the token brings a new machine.
ALTER TABLE machine ADD COLUMN key_revoked_us I64 NOT NULL DEFAULT 0 CHECK (key_revoked_us >= 0);
ALTER TABLE enroll_token ADD COLUMN machine_id I64 NOT NULL DEFAULT 0 CHECK (machine_id >= 0);
