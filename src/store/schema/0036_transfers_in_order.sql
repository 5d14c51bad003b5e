-- SPDX-License-Identifier: Apache-2.0
-- SQLite keeps the legs in the order of their journals, in one tree instead of a table and an index
-- of it: a leg costs one insertion less, and the books are read from their beginning to their end.
-- sqlite:
CREATE TABLE transfer_in_order (
  journal_id I64 NOT NULL REFERENCES journal(id),
  leg I64 NOT NULL,
  dr I64 NOT NULL REFERENCES account(id),
  cr I64 NOT NULL REFERENCES account(id),
  amount I64 NOT NULL CHECK (amount > 0),
  code I64 NOT NULL,
  PRIMARY KEY (journal_id, leg),
  CHECK (dr <> cr)
) STRICT, WITHOUT ROWID;
INSERT INTO transfer_in_order (journal_id, leg, dr, cr, amount, code)
  SELECT journal_id, leg, dr, cr, amount, code FROM transfer ORDER BY journal_id, leg;
DROP TABLE transfer;
ALTER TABLE transfer_in_order RENAME TO transfer;
CREATE INDEX transfer_dr ON transfer(dr, journal_id, leg);
CREATE INDEX transfer_cr ON transfer(cr, journal_id, leg);
CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END;
CREATE TRIGGER transfer_no_delete BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END;
-- end
