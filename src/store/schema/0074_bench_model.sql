-- SPDX-License-Identifier: Apache-2.0
-- What a machine's GPUs were called when it was measured, and how much memory each had, so that it can
-- be compared with others of the same: '' where not all of them were. And what NVLink carries between
-- two of them, MB/s; 0: there is none; -1: not known.
ALTER TABLE machine ADD COLUMN bench_model TEXT NOT NULL DEFAULT '';
ALTER TABLE machine ADD COLUMN bench_gpu_gb I64 NOT NULL DEFAULT 0 CHECK (bench_gpu_gb >= 0);
ALTER TABLE machine ADD COLUMN nvlink_mbs I64 NOT NULL DEFAULT -1 CHECK (nvlink_mbs >= -1);
CREATE INDEX machine_bench_model ON machine(bench_model, bench_gpu_gb) WHERE bench_model <> '';
