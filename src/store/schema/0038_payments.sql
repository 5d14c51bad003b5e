-- SPDX-License-Identifier: Apache-2.0
-- What payment providers know of our accounts, and we of theirs. No card number is among it: a card is
-- its provider's name for it, and what of it people recognise.

-- What one database has once. installation: names it to providers, whose accounts others may share.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- On whose connected account a call is made; '': ours.
ALTER TABLE outbox ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE psp_event ADD COLUMN account TEXT NOT NULL DEFAULT '';
CREATE INDEX psp_event_due ON psp_event(next_us) WHERE state = 0;

-- page: the hosted one on which it is paid, at url. reason: why it failed, in the provider's code.
ALTER TABLE deposit ADD COLUMN page TEXT NOT NULL DEFAULT '';
ALTER TABLE deposit ADD COLUMN url TEXT NOT NULL DEFAULT '';
ALTER TABLE deposit ADD COLUMN reason TEXT NOT NULL DEFAULT '';

CREATE TABLE customer (
  user_id I64 NOT NULL REFERENCES users(id),
  provider TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  PRIMARY KEY (user_id, provider),
  UNIQUE (provider, customer_id)
) STRICT;

CREATE TABLE card (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  provider TEXT NOT NULL,
  object_id TEXT NOT NULL,
  brand TEXT NOT NULL,
  last4 TEXT NOT NULL,
  month I64 NOT NULL,
  year I64 NOT NULL,
  fingerprint TEXT NOT NULL,
  created_us I64 NOT NULL,
  removed_us I64,
  UNIQUE (provider, object_id)
) STRICT;
CREATE INDEX card_user ON card(user_id, id) WHERE removed_us IS NULL;

-- Hosted pages on which a card is left. state: 0 made, 1 has its url, 2 over.
CREATE TABLE card_page (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  provider TEXT NOT NULL,
  state I64 NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
  page TEXT NOT NULL DEFAULT '',
  url TEXT NOT NULL DEFAULT '',
  created_us I64 NOT NULL
) STRICT;
CREATE INDEX card_page_user ON card_page(user_id, id);

-- Test credit: once for an account, a card and a mailbox.
CREATE TABLE test_credit (
  user_id I64 PRIMARY KEY REFERENCES users(id),
  fingerprint TEXT NOT NULL UNIQUE,
  mailbox TEXT NOT NULL UNIQUE,
  amount I64 NOT NULL CHECK (amount > 0),
  granted_us I64 NOT NULL,
  expired_us I64
) STRICT;
