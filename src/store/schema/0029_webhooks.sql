-- SPDX-License-Identifier: Apache-2.0
-- Where accounts are told of things by HTTP (flow/webhook.h). events: keys of kinds, a blank between
-- them. secret: sealed by the account's key. failing_us: since when nothing has arrived; 0: it does.

CREATE TABLE webhook (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  secret TEXT NOT NULL,
  is_enabled I64 NOT NULL CHECK (is_enabled IN (0, 1)),
  failing_us I64 NOT NULL DEFAULT 0,
  created_us I64 NOT NULL,
  updated_us I64 NOT NULL
) STRICT;
CREATE INDEX webhook_user ON webhook(user_id, id);
