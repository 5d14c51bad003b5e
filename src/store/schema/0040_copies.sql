-- SPDX-License-Identifier: Apache-2.0
-- A copy from another instance: whose files, and where its SSH is. `command` is the path there,
-- `filter` the path to copy to.
ALTER TABLE op ADD COLUMN source_id I64 REFERENCES contract(id);
ALTER TABLE op ADD COLUMN source_machine_id I64 REFERENCES machine(id);
ALTER TABLE op ADD COLUMN source_host TEXT;
ALTER TABLE op ADD COLUMN source_port I64;
CREATE INDEX op_copies ON op(source_machine_id, id) WHERE progress = 0 AND source_machine_id IS NOT NULL;
