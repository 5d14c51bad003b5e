-- SPDX-License-Identifier: Apache-2.0
-- The same hardware under a new identity: which machine it was before (0: none that is known), by its
-- GPUs or by what identifies the rest of it. Its past goes on (flow/revision.h).
ALTER TABLE machine ADD COLUMN predecessor_id I64 NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN fingerprint BYTES;
CREATE INDEX machine_fingerprint ON machine(owner_id, fingerprint);
CREATE INDEX gpu_uuid_past ON gpu(uuid);
