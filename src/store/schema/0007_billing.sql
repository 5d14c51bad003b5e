-- SPDX-License-Identifier: Apache-2.0
-- Bills: what usage came to by day, what hosts are invoiced and paid, what was taken back.
-- Days count from 1970-01-01, UTC; components are 1 gpu, 2 disk, 3 up, 4 down.

-- What the meters posted, by contract, day, component and price: the lines of every bill. Each row
-- grows with the postings of its day, in their transactions, and never after the day is over.
-- kind: 1 usage, 2 taken back, 3 a credit for downtime. accrued: what it did to the host's 2110.
CREATE TABLE usage_line (
  contract_id I64 NOT NULL REFERENCES contract(id),
  day I64 NOT NULL,
  comp I64 NOT NULL CHECK (comp IN (1, 2, 3, 4)),
  kind I64 NOT NULL CHECK (kind IN (1, 2, 3)),
  rate I64 NOT NULL CHECK (rate >= 0),
  owner_id I64 NOT NULL REFERENCES users(id),
  host_id I64 NOT NULL REFERENCES users(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  qty I64 NOT NULL CHECK (qty >= 0),
  used I64 NOT NULL CHECK (used >= 0),
  gross I64 NOT NULL,
  host I64 NOT NULL,
  accrued I64 NOT NULL,
  from_us I64 NOT NULL,
  until_us I64 NOT NULL,
  PRIMARY KEY (contract_id, day, comp, kind, rate),
  CHECK ((kind = 1 AND gross >= 0 AND host BETWEEN 0 AND gross AND accrued = host) OR
         (kind <> 1 AND gross <= 0 AND host BETWEEN gross AND 0 AND accrued BETWEEN host AND 0))
) STRICT;
CREATE INDEX usage_line_owner ON usage_line(owner_id, day, contract_id);
CREATE INDEX usage_line_host ON usage_line(host_id, day, machine_id);

-- Evidence for what was taken back: an auditor subtracts rate * qty * used from the meter.
CREATE TABLE usage_refund (
  id ID,
  ticket TEXT NOT NULL,
  contract_id I64 NOT NULL REFERENCES contract(id),
  comp I64 NOT NULL CHECK (comp IN (1, 2, 3, 4)),
  rate I64 NOT NULL CHECK (rate >= 0),
  qty I64 NOT NULL CHECK (qty >= 0),
  used I64 NOT NULL CHECK (used >= 0),
  gross I64 NOT NULL CHECK (gross >= 0),
  host I64 NOT NULL CHECK (host BETWEEN 0 AND gross),
  at_us I64 NOT NULL,
  UNIQUE (contract_id, ticket, comp)
) STRICT;

-- A host's earnings up to `billed_us`, a Friday, are invoiced.
ALTER TABLE machine ADD COLUMN billed_us I64 NOT NULL DEFAULT 0;
CREATE INDEX machine_billed ON machine(billed_us);

-- Numbers of bills have no gaps in a year.
CREATE TABLE bill_series (
  series TEXT NOT NULL,
  year I64 NOT NULL,
  last I64 NOT NULL CHECK (last >= 1),
  PRIMARY KEY (series, year)
) STRICT;

-- total: the host's share, as the lines add up; drawn from 2110, of which settled against what the
-- host owed, and the rest payable.
CREATE TABLE host_invoice (
  id ID,
  host_id I64 NOT NULL REFERENCES users(id),
  number TEXT NOT NULL UNIQUE,
  from_us I64 NOT NULL,
  until_us I64 NOT NULL CHECK (until_us > from_us),
  gross I64 NOT NULL,
  total I64 NOT NULL,
  drawn I64 NOT NULL CHECK (drawn >= 0),
  settled I64 NOT NULL CHECK (settled BETWEEN 0 AND drawn),
  made_us I64 NOT NULL,
  UNIQUE (host_id, until_us)
) STRICT;

CREATE TABLE host_invoice_line (
  invoice_id I64 NOT NULL REFERENCES host_invoice(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  comp I64 NOT NULL CHECK (comp IN (1, 2, 3, 4)),
  kind I64 NOT NULL CHECK (kind IN (1, 2, 3)),
  used I64 NOT NULL,
  gross I64 NOT NULL,
  host I64 NOT NULL,
  PRIMARY KEY (invoice_id, machine_id, comp, kind)
) STRICT;

-- At most one for a host and week. state: market/payout.h.
CREATE TABLE payout (
  id ID,
  host_id I64 NOT NULL REFERENCES users(id),
  cut_us I64 NOT NULL,
  amount I64 NOT NULL CHECK (amount > 0),
  state I64 NOT NULL CHECK (state BETWEEN 1 AND 7),
  provider TEXT NOT NULL,
  reference TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  created_us I64 NOT NULL,
  state_us I64 NOT NULL,
  UNIQUE (host_id, cut_us)
) STRICT;
CREATE INDEX payout_state ON payout(state, id);
