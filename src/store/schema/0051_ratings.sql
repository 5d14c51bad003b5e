-- SPDX-License-Identifier: Apache-2.0
-- What renters think of who lent to them: one rating for a contract, which stays. And what a host
-- answers to a report.
CREATE TABLE rating (
  id ID,
  contract_id I64 NOT NULL UNIQUE REFERENCES contract(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  host_id I64 NOT NULL REFERENCES users(id),
  user_id I64 NOT NULL REFERENCES users(id),
  stars I64 NOT NULL CHECK (stars >= 1 AND stars <= 5),
  message TEXT NOT NULL,
  created_us I64 NOT NULL
) STRICT;
CREATE INDEX rating_host ON rating(host_id, id);
ALTER TABLE machine_report ADD COLUMN reply TEXT NOT NULL DEFAULT '';
ALTER TABLE machine_report ADD COLUMN replied_us I64 NOT NULL DEFAULT 0;
