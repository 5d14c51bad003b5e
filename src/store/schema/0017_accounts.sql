-- SPDX-License-Identifier: Apache-2.0
-- How people come in: passwords, codes by mail, sessions, and how often somebody may guess.

-- An email that the operator wrote down counts as verified; 0: it was not verified yet.
ALTER TABLE users ADD COLUMN email_verified_us I64 NOT NULL DEFAULT 0;
-- Argon2id's own text; '': no password, so nobody logs in with one.
ALTER TABLE users ADD COLUMN password TEXT NOT NULL DEFAULT '';
-- Since when logging in takes a second factor; 0: it does not.
ALTER TABLE users ADD COLUMN tfa_us I64 NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN parent_id I64 NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN host_only I64 NOT NULL DEFAULT 0 CHECK (host_only IN (0, 1));
UPDATE users SET email_verified_us = created_us;
CREATE INDEX users_parent ON users(parent_id, id) WHERE parent_id > 0;

-- A code that is on its way by mail. The code itself is not in here: it is made of the row and of
-- a key that is in no database. kind: flow/mail_code.h.
CREATE TABLE mail_code (
  id ID,
  kind I64 NOT NULL,
  user_id I64 NOT NULL,
  email TEXT NOT NULL,
  payload TEXT NOT NULL,
  expires_us I64 NOT NULL
) STRICT;
CREATE INDEX mail_code_expires ON mail_code(expires_us);
CREATE INDEX mail_code_user ON mail_code(user_id, kind);

-- kind: 0 a session, 1 waits for the second factor. stepped_us: when the second factor was last
-- shown; 0: never.
CREATE TABLE login_session (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  kind I64 NOT NULL CHECK (kind IN (0, 1)),
  hash BYTES NOT NULL UNIQUE,
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  created_us I64 NOT NULL,
  seen_us I64 NOT NULL,
  stepped_us I64 NOT NULL DEFAULT 0,
  expires_us I64 NOT NULL
) STRICT;
CREATE INDEX login_session_user ON login_session(user_id, id);
CREATE INDEX login_session_expires ON login_session(expires_us);

-- Who guessed how often, as token buckets: a bucket is full again at full_us. Names are hashes.
CREATE TABLE throttle (
  name BYTES PRIMARY KEY,
  full_us I64 NOT NULL
) STRICT;
CREATE INDEX throttle_full ON throttle(full_us);
