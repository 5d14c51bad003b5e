-- SPDX-License-Identifier: Apache-2.0
-- After the books were set back to an earlier moment: what the machines run, until somebody says that
-- the market goes on.

CREATE TABLE recovery (
  id ID,
  began_us I64 NOT NULL,
  books_end_us I64 NOT NULL,
  ended_us I64 NOT NULL DEFAULT 9223372036854775807
) STRICT;
CREATE UNIQUE INDEX recovery_open ON recovery(ended_us) WHERE ended_us = 9223372036854775807;

CREATE TABLE recovery_machine (
  recovery_id I64 NOT NULL REFERENCES recovery(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  reported_us I64 NOT NULL,
  PRIMARY KEY (recovery_id, machine_id)
) STRICT;

CREATE TABLE recovery_instance (
  recovery_id I64 NOT NULL REFERENCES recovery(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  instance_id I64 NOT NULL,
  gen I64 NOT NULL,
  phase I64 NOT NULL,
  PRIMARY KEY (recovery_id, machine_id, instance_id)
) STRICT;
