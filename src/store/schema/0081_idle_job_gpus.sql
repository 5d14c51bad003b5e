-- SPDX-License-Identifier: Apache-2.0
-- On how many of its GPUs a machine runs its host's own job at most; 0: on all.
ALTER TABLE idle_job ADD COLUMN gpus I64 NOT NULL DEFAULT 0 CHECK (gpus >= 0);
