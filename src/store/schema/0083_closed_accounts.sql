-- SPDX-License-Identifier: Apache-2.0
-- When an account was deleted; 0: it was not. Its row stays, without what says whose it was: the
-- books, the contracts and the audit log name its number.
ALTER TABLE users ADD COLUMN closed_us I64 NOT NULL DEFAULT 0 CHECK (closed_us >= 0);
