-- SPDX-License-Identifier: Apache-2.0
-- What happens to a contract by itself, and when: each by an index on the instant that it is due.

-- Stop when its GPUs have done nothing for so long; 0: no. And since when they do nothing; 0: they
-- do something, or nobody knows.
ALTER TABLE contract ADD COLUMN idle_stop_s I64 NOT NULL DEFAULT 0 CHECK (idle_stop_s >= 0);
ALTER TABLE contract ADD COLUMN idle_since_us I64 NOT NULL DEFAULT 0;
-- Destroy when it has been stopped for so long; 0: no. And when that is; never while it runs.
ALTER TABLE contract ADD COLUMN destroy_after_s I64 NOT NULL DEFAULT 0 CHECK (destroy_after_s >= 0);
ALTER TABLE contract ADD COLUMN destroy_due_us I64 NOT NULL DEFAULT 9223372036854775807;
-- When its renter is next warned that its lifetime ends.
ALTER TABLE contract ADD COLUMN warn_us I64 NOT NULL DEFAULT 9223372036854775807;

CREATE INDEX contract_destroy_due ON contract(destroy_due_us)
  WHERE destroy_due_us < 9223372036854775807;
CREATE INDEX contract_warn ON contract(warn_us) WHERE warn_us < 9223372036854775807;
-- Contracts past their end stay for long, stopped: only what should run is looked for.
DROP INDEX contract_end;
CREATE INDEX contract_end_running ON contract(end_us)
  WHERE destroyed_us = 0 AND state IN (1, 2, 3, 4, 5, 10);
