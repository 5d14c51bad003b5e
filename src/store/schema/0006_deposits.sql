-- SPDX-License-Identifier: Apache-2.0
-- Money that renters send, and what the providers' own books say of it. Amounts are nanodollars.

-- state: 0 made, 1 on its way, 2 arrived, 3 failed, 4 cancelled. object_id is the provider's name for
-- it, once there is one. One that has arrived has exactly one journal, `dep:<id>`.
CREATE TABLE deposit (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  provider TEXT NOT NULL,
  object_id TEXT,
  is_automatic I64 NOT NULL DEFAULT 0 CHECK (is_automatic IN (0, 1)),
  amount I64 NOT NULL CHECK (amount > 0),
  state I64 NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
  created_us I64 NOT NULL,
  settled_us I64,
  UNIQUE (provider, object_id),
  CHECK ((state >= 2) = (settled_us IS NOT NULL))
) STRICT;
CREATE INDEX deposit_user ON deposit(user_id, id);
CREATE UNIQUE INDEX deposit_one_automatic ON deposit(user_id) WHERE is_automatic = 1 AND state < 2;

-- Every transaction on a balance that a provider keeps for us, with the one journal that has it. code
-- is the account of that balance: 1110 or 1120.
CREATE TABLE provider_txn (
  id ID,
  provider TEXT NOT NULL,
  txn_id TEXT NOT NULL,
  code I64 NOT NULL CHECK (code IN (1110, 1120)),
  amount I64 NOT NULL CHECK (amount <> 0),
  at_us I64 NOT NULL,
  journal_id I64 NOT NULL UNIQUE REFERENCES journal(id),
  UNIQUE (provider, txn_id)
) STRICT;
