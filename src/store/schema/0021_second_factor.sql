-- SPDX-License-Identifier: Apache-2.0
-- Second factors of accounts: seeds of authenticator apps, sealed under the account's key, and the
-- codes for when the app is lost, as hashes.

-- confirmed_us 0: it waits for its first code. last_step: a code counts once.
CREATE TABLE tfa_method (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  label TEXT NOT NULL,
  sealed BYTES NOT NULL,
  created_us I64 NOT NULL,
  confirmed_us I64 NOT NULL DEFAULT 0,
  used_us I64 NOT NULL DEFAULT 0,
  last_step I64 NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tfa_method_user ON tfa_method(user_id, id);

CREATE TABLE backup_code (
  user_id I64 NOT NULL REFERENCES users(id),
  hash BYTES NOT NULL,
  PRIMARY KEY (user_id, hash)
) STRICT;
