-- SPDX-License-Identifier: Apache-2.0
-- Accounts' connections to cloud stores, whose settings lie sealed by the account's key; and copies by one:
-- `command` is the path in the instance, `filter` that in the store.
CREATE TABLE cloud_connection (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  config TEXT NOT NULL,
  created_us I64 NOT NULL
) STRICT;
CREATE INDEX cloud_connection_user ON cloud_connection(user_id, id);
ALTER TABLE op ADD COLUMN cloud_id I64;
ALTER TABLE op ADD COLUMN cloud_flags TEXT;
ALTER TABLE op ADD COLUMN is_to_cloud I64 NOT NULL DEFAULT 0 CHECK (is_to_cloud IN (0, 1));
CREATE INDEX op_clouds ON op(owner_id, id) WHERE progress = 0 AND cloud_id IS NOT NULL;
