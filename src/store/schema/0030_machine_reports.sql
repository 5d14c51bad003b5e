-- SPDX-License-Identifier: Apache-2.0
-- What renters say of machines. One a day from an account and machine counts.
CREATE TABLE machine_report (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  user_id I64 NOT NULL REFERENCES users(id),
  problem TEXT NOT NULL,
  message TEXT NOT NULL,
  created_us I64 NOT NULL
) STRICT;
CREATE INDEX machine_report_machine ON machine_report(machine_id, id);
CREATE INDEX machine_report_user ON machine_report(user_id, machine_id, created_us);
