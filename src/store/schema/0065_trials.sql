-- SPDX-License-Identifier: Apache-2.0
-- Proofs of disk and network, beside those of GPUs: 3 and 4, whose kind is that of memory for the
-- sake of servers of the version before; 0: as kind says. Of a disk n are blocks and rounds reads, of
-- a network slices received and sent. net_us is the first half's time, half_us the second's.
ALTER TABLE machine_proof ADD COLUMN trial I64 NOT NULL DEFAULT 0 CHECK (trial IN (0, 3, 4));
ALTER TABLE machine_proof ADD COLUMN half_us I64 NOT NULL DEFAULT 0;
CREATE INDEX machine_proof_trial ON machine_proof(machine_id, trial, id) WHERE trial <> 0;
-- What else the last test that could see it has seen, beyond audit_suspicion; and what the machine has
-- shown of its disk and network. 0: nothing yet.
ALTER TABLE machine ADD COLUMN audit_claims I64 NOT NULL DEFAULT 0 CHECK (audit_claims >= 0);
ALTER TABLE machine ADD COLUMN shown_disk_mbs I64 NOT NULL DEFAULT 0 CHECK (shown_disk_mbs >= 0);
ALTER TABLE machine ADD COLUMN shown_down_kbps I64 NOT NULL DEFAULT 0 CHECK (shown_down_kbps >= 0);
ALTER TABLE machine ADD COLUMN shown_up_kbps I64 NOT NULL DEFAULT 0 CHECK (shown_up_kbps >= 0);
