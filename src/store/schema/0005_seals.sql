-- SPDX-License-Identifier: Apache-2.0
-- The chain over the journals: each row closes a batch, its hash covers that batch and the row
-- before (market/seal.h).
CREATE TABLE journal_seal (
  number I64 PRIMARY KEY CHECK (number > 0),
  last_journal I64 NOT NULL UNIQUE REFERENCES journal(id),
  journal_count I64 NOT NULL CHECK (journal_count > 0),
  hash TEXT NOT NULL UNIQUE,
  sealed_us I64 NOT NULL
) STRICT;
-- sqlite:
CREATE TRIGGER journal_seal_no_update BEFORE UPDATE ON journal_seal
BEGIN SELECT RAISE(ABORT, 'journal_seal is append-only'); END;
CREATE TRIGGER journal_seal_no_delete BEFORE DELETE ON journal_seal
BEGIN SELECT RAISE(ABORT, 'journal_seal is append-only'); END;
-- postgres:
CREATE TRIGGER journal_seal_no_change BEFORE UPDATE OR DELETE ON journal_seal
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_seal_no_truncate BEFORE TRUNCATE ON journal_seal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- end
