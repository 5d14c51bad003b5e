-- SPDX-License-Identifier: Apache-2.0
-- The books (money.md 1.3). Money is nanodollars, times are microseconds since 1970. What must
-- never be is refused here, whatever the program believes. 4e18 leaves room for adding.

-- flags: 1 debits may not exceed credits, 2 credits may not exceed debits, 4 closed,
-- 8 summed on demand (its sums here stay zero).
CREATE TABLE account (
  id ID,
  code I64 NOT NULL,
  owner_id I64 NOT NULL DEFAULT 0,
  sub_id I64 NOT NULL DEFAULT 0,
  flags I64 NOT NULL DEFAULT 0 CHECK (flags BETWEEN 0 AND 15),
  dr_posted I64 NOT NULL DEFAULT 0 CHECK (dr_posted BETWEEN 0 AND 4000000000000000000),
  cr_posted I64 NOT NULL DEFAULT 0 CHECK (cr_posted BETWEEN 0 AND 4000000000000000000),
  dr_pending I64 NOT NULL DEFAULT 0 CHECK (dr_pending BETWEEN 0 AND 4000000000000000000),
  cr_pending I64 NOT NULL DEFAULT 0 CHECK (cr_pending BETWEEN 0 AND 4000000000000000000),
  created_us I64 NOT NULL,
  UNIQUE (code, owner_id, sub_id),
  CONSTRAINT account_debit_limit CHECK ((flags & 1) = 0 OR dr_pending + dr_posted <= cr_posted),
  CONSTRAINT account_credit_limit CHECK ((flags & 2) = 0 OR cr_pending + cr_posted <= dr_posted)
) STRICT;

-- One business event, all or nothing. ref_kind, ref_id and kind: market/journal.h.
CREATE TABLE journal (
  id ID,
  idem_key TEXT NOT NULL UNIQUE,
  body_hash TEXT NOT NULL,
  kind I64 NOT NULL,
  occurred_us I64 NOT NULL,
  posted_us I64 NOT NULL,
  ref_kind I64 NOT NULL,
  ref_id I64 NOT NULL,
  corrects I64 REFERENCES journal(id)
) STRICT;
CREATE INDEX journal_ref ON journal(ref_kind, ref_id, id);

CREATE TABLE transfer (
  journal_id I64 NOT NULL REFERENCES journal(id),
  leg I64 NOT NULL,
  dr I64 NOT NULL REFERENCES account(id),
  cr I64 NOT NULL REFERENCES account(id),
  amount I64 NOT NULL CHECK (amount > 0),
  code I64 NOT NULL,
  PRIMARY KEY (journal_id, leg),
  CHECK (dr <> cr)
) STRICT;
CREATE INDEX transfer_dr ON transfer(dr, journal_id, leg);
CREATE INDEX transfer_cr ON transfer(cr, journal_id, leg);

-- What is posted stays as it is: mistakes are corrected by further journals.
-- sqlite:
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'journal is append-only'); END;
CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END;
CREATE TRIGGER transfer_no_delete BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END;
-- postgres:
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23000';
END $$;
CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE ON journal
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_no_change BEFORE UPDATE OR DELETE ON transfer
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_no_truncate BEFORE TRUNCATE ON transfer
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- end

-- In two phases: 0 open, 1 posted, 2 voided, 3 expired.
CREATE TABLE hold (
  id ID,
  idem_key TEXT NOT NULL UNIQUE,
  dr I64 NOT NULL REFERENCES account(id),
  cr I64 NOT NULL REFERENCES account(id),
  amount I64 NOT NULL CHECK (amount > 0),
  state I64 NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2, 3)),
  expires_us I64,
  resolved_journal I64 UNIQUE REFERENCES journal(id),
  CHECK ((state = 1) = (resolved_journal IS NOT NULL))
) STRICT;
CREATE INDEX hold_open_dr ON hold(dr) WHERE state = 0;
CREATE INDEX hold_open_cr ON hold(cr) WHERE state = 0;

-- A row for each component (1 gpu, 2 disk, 3 up, 4 down) of an instance. Totals only grow:
-- microseconds, or bytes. `gross_posted * denom + rem` is the exact numerator.
CREATE TABLE meter (
  instance_id I64 NOT NULL,
  comp I64 NOT NULL CHECK (comp IN (1, 2, 3, 4)),
  denom I64 NOT NULL CHECK (denom > 0),
  fee_bps I64 NOT NULL CHECK (fee_bps BETWEEN 0 AND 10000),
  rate I64 NOT NULL CHECK (rate >= 0),
  qty I64 NOT NULL CHECK (qty >= 0),
  total I64 NOT NULL DEFAULT 0,
  posted_total I64 NOT NULL DEFAULT 0,
  rem I64 NOT NULL DEFAULT 0,
  split_rem I64 NOT NULL DEFAULT 0,
  gross_posted I64 NOT NULL DEFAULT 0,
  host_posted I64 NOT NULL DEFAULT 0,
  ver I64 NOT NULL DEFAULT 0,
  closed_us I64,
  PRIMARY KEY (instance_id, comp),
  CHECK (posted_total BETWEEN 0 AND total),
  CHECK (rem >= 0 AND rem < denom),
  CHECK (split_rem BETWEEN 0 AND 9999),
  CHECK (host_posted BETWEEN 0 AND gross_posted),
  CHECK (closed_us IS NULL OR posted_total = total)
) STRICT;

-- Evidence: lets an auditor recompute every meter exactly.
CREATE TABLE rate_epoch (
  instance_id I64 NOT NULL,
  comp I64 NOT NULL,
  epoch I64 NOT NULL,
  rate I64 NOT NULL CHECK (rate >= 0),
  qty I64 NOT NULL CHECK (qty >= 0),
  from_total I64 NOT NULL,
  to_total I64 CHECK (to_total >= from_total),
  from_us I64 NOT NULL,
  to_us I64 CHECK (to_us >= from_us),
  PRIMARY KEY (instance_id, comp, epoch),
  FOREIGN KEY (instance_id, comp) REFERENCES meter(instance_id, comp),
  CHECK ((to_total IS NULL) = (to_us IS NULL))
) STRICT;
CREATE UNIQUE INDEX rate_epoch_open ON rate_epoch(instance_id, comp) WHERE to_total IS NULL;

-- What payment providers told us, word for word, once.
CREATE TABLE psp_event (
  provider TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  object_id TEXT NOT NULL,
  received_us I64 NOT NULL,
  body TEXT NOT NULL,
  state I64 NOT NULL DEFAULT 0,
  attempts I64 NOT NULL DEFAULT 0,
  next_us I64 NOT NULL DEFAULT 0,
  PRIMARY KEY (provider, event_id)
) STRICT;

-- What is to be done in the world after a commit. state: 0 waits, 1 done, 2 given up.
CREATE TABLE outbox (
  id ID,
  idem_key TEXT NOT NULL UNIQUE,
  provider TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  body TEXT NOT NULL,
  state I64 NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
  attempts I64 NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  first_sent_us I64,
  next_us I64 NOT NULL,
  lease_owner TEXT,
  lease_until_us I64 NOT NULL DEFAULT 0,
  http_status I64,
  response TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox(next_us) WHERE state = 0;
