-- SPDX-License-Identifier: Apache-2.0
-- Templates: what is started again and again. `form` is all of one's content as JSON, `hash_id`
-- follows from its owner and content; `login` is the registry login of its owner, sealed. Deleted
-- ones stay: contracts were made with them.
CREATE TABLE template (
  id ID,
  owner_id I64 NOT NULL REFERENCES users(id),
  hash_id TEXT NOT NULL,
  form TEXT NOT NULL,
  login BYTES,
  is_private I64 NOT NULL CHECK (is_private IN (0, 1)),
  is_recommended I64 NOT NULL DEFAULT 0 CHECK (is_recommended IN (0, 1)),
  created_us I64 NOT NULL,
  used_count I64 NOT NULL DEFAULT 0 CHECK (used_count >= 0),
  used_us I64,
  deleted_us I64
) STRICT;
CREATE UNIQUE INDEX template_hash ON template(hash_id) WHERE deleted_us IS NULL;
CREATE INDEX template_owner ON template(owner_id, id) WHERE deleted_us IS NULL;
CREATE INDEX template_public ON template(id) WHERE deleted_us IS NULL AND is_private = 0;
