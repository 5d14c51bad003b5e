-- SPDX-License-Identifier: Apache-2.0
-- Standing orders: a search that waits for its first find, to rent it (launch: the body of a rental
-- request) or to tell (launch null). It fires once, by the change of its state from 0.
-- state: 0 waits, 1 fired, 2 cancelled, 3 too late.
CREATE TABLE standing_order (
  id ID,
  owner_id I64 NOT NULL REFERENCES users(id),
  label TEXT NOT NULL DEFAULT '',
  query TEXT NOT NULL,
  launch TEXT,
  created_us I64 NOT NULL,
  expires_us I64 NOT NULL,
  state I64 NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2, 3)),
  ended_us I64,
  offer_id I64 REFERENCES offer(id),
  contract_id I64 UNIQUE REFERENCES contract(id),
  note TEXT NOT NULL DEFAULT '',
  CHECK ((state = 0) = (ended_us IS NULL)),
  CHECK ((state = 1) = (offer_id IS NOT NULL)),
  CHECK (contract_id IS NULL OR state = 1)
) STRICT;
CREATE INDEX standing_order_owner ON standing_order(owner_id, id);
CREATE INDEX standing_order_waiting ON standing_order(id) WHERE state = 0;
CREATE INDEX standing_order_expires ON standing_order(expires_us) WHERE state = 0;
