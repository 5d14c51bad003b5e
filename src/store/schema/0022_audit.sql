-- SPDX-License-Identifier: Apache-2.0
-- What was called on an account that may have changed something, and from where.

CREATE TABLE audit_log (
  id ID,
  user_id I64 NOT NULL,
  key_id I64 NOT NULL,
  login_id I64 NOT NULL,
  at_us I64 NOT NULL,
  address TEXT NOT NULL,
  route TEXT NOT NULL,
  args TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_user ON audit_log(user_id, id);
CREATE INDEX audit_log_at ON audit_log(at_us);

CREATE TABLE user_address (
  user_id I64 NOT NULL,
  address TEXT NOT NULL,
  first_us I64 NOT NULL,
  PRIMARY KEY (user_id, address)
) STRICT;
