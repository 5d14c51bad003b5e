-- SPDX-License-Identifier: Apache-2.0
-- Reserved rentals (market/reserved.h). The largest discount for paying ahead is one of the terms on
-- which a contract was made.
ALTER TABLE contract ADD COLUMN discount_max_ppm I64 NOT NULL DEFAULT 0
  CHECK (discount_max_ppm BETWEEN 0 AND 1000000);
ALTER TABLE contract ADD COLUMN discount_ppm I64 NOT NULL DEFAULT 0
  CHECK (discount_ppm BETWEEN 0 AND 1000000);
UPDATE contract SET discount_max_ppm = COALESCE(
  (SELECT m.discount_max_ppm FROM machine m WHERE m.id = contract.machine_id), 0)
WHERE kind = 1 AND destroyed_us = 0;

-- One for each time that a contract was reserved: paid is all that its deposit was made of, of which
-- what was neither kept nor given back was drawn by usage, or is still there while it is open. gpu_hour
-- and disk_month are the prices without a discount; the discount is counted from the meters' totals
-- gpu_from and disk_from on. ends_us: when it will be used up at the present burn, or is to be looked at.
CREATE TABLE reservation (
  id ID,
  contract_id I64 NOT NULL REFERENCES contract(id),
  owner_id I64 NOT NULL REFERENCES users(id),
  begun_us I64 NOT NULL,
  closed_us I64 NOT NULL DEFAULT 0,
  gpu_hour I64 NOT NULL CHECK (gpu_hour >= 0),
  disk_month I64 NOT NULL CHECK (disk_month >= 0),
  gpu_from I64 NOT NULL CHECK (gpu_from >= 0),
  disk_from I64 NOT NULL CHECK (disk_from >= 0),
  discount_ppm I64 NOT NULL CHECK (discount_ppm BETWEEN 0 AND 1000000),
  hours I64 NOT NULL CHECK (hours > 0),
  paid I64 NOT NULL CHECK (paid > 0),
  payments I64 NOT NULL CHECK (payments > 0),
  last_paid I64 NOT NULL CHECK (last_paid > 0),
  last_paid_us I64 NOT NULL,
  kept I64 NOT NULL DEFAULT 0 CHECK (kept >= 0),
  given_back I64 NOT NULL DEFAULT 0 CHECK (given_back >= 0),
  ends_us I64 NOT NULL,
  CHECK (kept + given_back <= paid),
  CHECK (closed_us <> 0 OR kept + given_back = 0)
) STRICT;
CREATE UNIQUE INDEX reservation_open ON reservation(contract_id) WHERE closed_us = 0;
CREATE INDEX reservation_contract ON reservation(contract_id);
CREATE INDEX reservation_ends ON reservation(ends_us) WHERE closed_us = 0;

-- What was kept of a deposit is a line of the bills, of kind 4.
-- sqlite:
CREATE TABLE usage_line_wide (
  contract_id I64 NOT NULL REFERENCES contract(id),
  day I64 NOT NULL,
  comp I64 NOT NULL CHECK (comp IN (1, 2, 3, 4)),
  kind I64 NOT NULL CHECK (kind IN (1, 2, 3, 4)),
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
  CHECK ((kind IN (1, 4) AND gross >= 0 AND host BETWEEN 0 AND gross AND accrued = host) OR
         (kind IN (2, 3) AND gross <= 0 AND host BETWEEN gross AND 0 AND
          accrued BETWEEN host AND 0))
) STRICT;
INSERT INTO usage_line_wide SELECT contract_id, day, comp, kind, rate, owner_id, host_id, machine_id,
  qty, used, gross, host, accrued, from_us, until_us FROM usage_line;
DROP TABLE usage_line;
ALTER TABLE usage_line_wide RENAME TO usage_line;
CREATE INDEX usage_line_owner ON usage_line(owner_id, day, contract_id);
CREATE INDEX usage_line_host ON usage_line(host_id, day, machine_id);
CREATE TABLE host_invoice_line_wide (
  invoice_id I64 NOT NULL REFERENCES host_invoice(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  comp I64 NOT NULL CHECK (comp IN (1, 2, 3, 4)),
  kind I64 NOT NULL CHECK (kind IN (1, 2, 3, 4)),
  used I64 NOT NULL,
  gross I64 NOT NULL,
  host I64 NOT NULL,
  PRIMARY KEY (invoice_id, machine_id, comp, kind)
) STRICT;
INSERT INTO host_invoice_line_wide SELECT invoice_id, machine_id, comp, kind, used, gross, host
  FROM host_invoice_line;
DROP TABLE host_invoice_line;
ALTER TABLE host_invoice_line_wide RENAME TO host_invoice_line;
-- postgres:
ALTER TABLE usage_line DROP CONSTRAINT usage_line_kind_check;
ALTER TABLE usage_line DROP CONSTRAINT usage_line_check;
ALTER TABLE usage_line ADD CHECK (kind IN (1, 2, 3, 4));
ALTER TABLE usage_line ADD CHECK (
  (kind IN (1, 4) AND gross >= 0 AND host BETWEEN 0 AND gross AND accrued = host) OR
  (kind IN (2, 3) AND gross <= 0 AND host BETWEEN gross AND 0 AND accrued BETWEEN host AND 0));
ALTER TABLE host_invoice_line DROP CONSTRAINT host_invoice_line_kind_check;
ALTER TABLE host_invoice_line ADD CHECK (kind IN (1, 2, 3, 4));
-- end
