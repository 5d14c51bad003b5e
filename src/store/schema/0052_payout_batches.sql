-- SPDX-License-Identifier: Apache-2.0
-- Payouts that a provider is sent together (PayPal), and what they have come to.

-- state: 0 left for the provider, 1 taken by it, 2 nothing more is to be heard of it. object_id: the
-- provider's name for it; ours is made of its id.
CREATE TABLE payout_batch (
  id ID,
  provider TEXT NOT NULL,
  object_id TEXT NOT NULL DEFAULT '',
  state I64 NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
  looks I64 NOT NULL DEFAULT 0,
  made_us I64 NOT NULL,
  next_us I64 NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX payout_batch_object ON payout_batch(provider, object_id) WHERE object_id <> '';
CREATE INDEX payout_batch_due ON payout_batch(next_us) WHERE state = 1;

-- batch_id: the one that it goes with; 0: none yet, or none any more. next_us: not before.
ALTER TABLE payout_route ADD COLUMN batch_id I64 NOT NULL DEFAULT 0;
ALTER TABLE payout_route ADD COLUMN next_us I64 NOT NULL DEFAULT 0;
CREATE INDEX payout_route_batch ON payout_route(batch_id);

-- An address of mail is nobody's: two hosts may be paid to the same one.
DROP INDEX payout_method_account;
CREATE UNIQUE INDEX payout_method_account ON payout_method(provider, account)
  WHERE account <> '' AND provider = 'stripe';
