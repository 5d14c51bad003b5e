-- SPDX-License-Identifier: Apache-2.0
-- Challenges to prove compute, one for each GPU: what was asked, when by the server's clock, and what
-- came of it (market/audit.h). A log for everybody to read; tokens and seeds are spent by then.
CREATE TABLE machine_proof (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  gpu_uuid TEXT NOT NULL,
  n I64 NOT NULL,
  rounds I64 NOT NULL,
  seed BYTES NOT NULL,
  draw BYTES NOT NULL,
  token_hash BYTES NOT NULL UNIQUE,
  commitment BYTES,
  state I64 NOT NULL,
  asked_us I64 NOT NULL,
  sent_us I64 NOT NULL DEFAULT 0,
  committed_us I64 NOT NULL DEFAULT 0,
  done_us I64 NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX machine_proof_machine ON machine_proof(machine_id, id);
CREATE INDEX machine_proof_open ON machine_proof(asked_us) WHERE state IN (1, 2, 3);
-- When the machine is asked next; the newest that it was asked; how many good ones it needs to be
-- trusted again, and what it was before.
ALTER TABLE machine ADD COLUMN audit_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN audit_id I64 NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN audit_debt I64 NOT NULL DEFAULT 0 CHECK (audit_debt >= 0);
ALTER TABLE machine ADD COLUMN audit_before I64 NOT NULL DEFAULT 0 CHECK (audit_before IN (0, 1, 2));
CREATE INDEX machine_audit ON machine(audit_us) WHERE is_online = 1;
