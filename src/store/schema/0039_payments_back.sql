-- SPDX-License-Identifier: Apache-2.0
-- Money that goes back to cards: sent by the operator, or taken by a card's owner.

-- state: 0 asked for, 1 the provider has it, 2 done, 3 failed. object_id is the provider's name for it.
CREATE TABLE pay_refund (
  id ID,
  deposit_id I64 NOT NULL REFERENCES deposit(id),
  user_id I64 NOT NULL REFERENCES users(id),
  ticket TEXT NOT NULL UNIQUE,
  amount I64 NOT NULL CHECK (amount > 0),
  state I64 NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  object_id TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  created_us I64 NOT NULL,
  state_us I64 NOT NULL
) STRICT;
CREATE INDEX pay_refund_deposit ON pay_refund(deposit_id);

-- state: 0 nothing was taken yet, 1 taken and open, 2 won, 3 lost. frozen: of the credit, while it is
-- open.
CREATE TABLE dispute (
  id ID,
  provider TEXT NOT NULL,
  object_id TEXT NOT NULL,
  deposit_id I64 NOT NULL REFERENCES deposit(id),
  user_id I64 NOT NULL REFERENCES users(id),
  amount I64 NOT NULL CHECK (amount > 0),
  frozen I64 NOT NULL DEFAULT 0 CHECK (frozen BETWEEN 0 AND amount),
  state I64 NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  reason TEXT NOT NULL DEFAULT '',
  created_us I64 NOT NULL,
  state_us I64 NOT NULL,
  UNIQUE (provider, object_id)
) STRICT;
CREATE INDEX dispute_user ON dispute(user_id, id);
