-- SPDX-License-Identifier: Apache-2.0
-- What an account chose to be told of, and how, by kind (market/notification.def). A kind without a
-- row is told of by mail.

CREATE TABLE notification_choice (
  user_id I64 NOT NULL REFERENCES users(id),
  kind TEXT NOT NULL,
  email I64 NOT NULL CHECK (email IN (0, 1)),
  webhooks I64 NOT NULL CHECK (webhooks IN (0, 1)),
  PRIMARY KEY (user_id, kind)
) STRICT;
