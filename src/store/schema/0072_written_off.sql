-- SPDX-License-Identifier: Apache-2.0
-- Debts that were written off, among all transfers.
CREATE INDEX transfer_written_off ON transfer(journal_id) WHERE code = 68;
