-- SPDX-License-Identifier: Apache-2.0
-- Proofs of compute and of memory, whose n are pages and rounds layers (market/audit.h). How many
-- answers came since it was sent, and when the last of them was asked for; the least round trip seen
-- by then; how many were late; the work's own time, and a round's; what was odd.
ALTER TABLE machine_proof ADD COLUMN kind I64 NOT NULL DEFAULT 1 CHECK (kind IN (1, 2));
ALTER TABLE machine_proof ADD COLUMN company I64 NOT NULL DEFAULT 1 CHECK (company IN (0, 1, 2));
ALTER TABLE machine_proof ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE machine_proof ADD COLUMN nonces I64 NOT NULL DEFAULT 0;
ALTER TABLE machine_proof ADD COLUMN openings I64 NOT NULL DEFAULT 64;
ALTER TABLE machine_proof ADD COLUMN trips I64 NOT NULL DEFAULT 0;
ALTER TABLE machine_proof ADD COLUMN trip_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine_proof ADD COLUMN rtt_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine_proof ADD COLUMN late I64 NOT NULL DEFAULT 0;
ALTER TABLE machine_proof ADD COLUMN net_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine_proof ADD COLUMN round_ns I64 NOT NULL DEFAULT 0;
ALTER TABLE machine_proof ADD COLUMN seen I64 NOT NULL DEFAULT 0;
CREATE INDEX machine_proof_class ON machine_proof(model, n, round_ns) WHERE state = 4 AND kind = 1;
-- What the last test that could see it has seen, and the least round trip of a month.
ALTER TABLE machine ADD COLUMN audit_suspicion I64 NOT NULL DEFAULT 0
  CHECK (audit_suspicion BETWEEN 0 AND 15);
ALTER TABLE machine ADD COLUMN rtt_us I64 NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN rtt_at_us I64 NOT NULL DEFAULT 0;
-- The span whose census is over, and when the next is, by nobody's knowledge but the server's.
CREATE TABLE census (
  id ID,
  at_us I64 NOT NULL,
  is_done I64 NOT NULL DEFAULT 0 CHECK (is_done IN (0, 1))
) STRICT;
