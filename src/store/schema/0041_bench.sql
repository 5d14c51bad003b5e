-- SPDX-License-Identifier: Apache-2.0
-- What agents measured, as they said it; and of each machine the last, of its slowest GPU. 0: not
-- measured.
CREATE TABLE machine_bench (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  measured_us I64 NOT NULL,
  report TEXT NOT NULL
) STRICT;
CREATE INDEX machine_bench_machine ON machine_bench(machine_id, id);
ALTER TABLE machine ADD COLUMN tf32_gflops I64 NOT NULL DEFAULT 0 CHECK (tf32_gflops >= 0);
ALTER TABLE machine ADD COLUMN f32_gflops I64 NOT NULL DEFAULT 0 CHECK (f32_gflops >= 0);
ALTER TABLE machine ADD COLUMN f16_gflops I64 NOT NULL DEFAULT 0 CHECK (f16_gflops >= 0);
ALTER TABLE machine ADD COLUMN bf16_gflops I64 NOT NULL DEFAULT 0 CHECK (bf16_gflops >= 0);
ALTER TABLE machine ADD COLUMN memory_mbs I64 NOT NULL DEFAULT 0 CHECK (memory_mbs >= 0);
ALTER TABLE machine ADD COLUMN pcie_mbs I64 NOT NULL DEFAULT 0 CHECK (pcie_mbs >= 0);
ALTER TABLE machine ADD COLUMN disk_mbs I64 NOT NULL DEFAULT 0 CHECK (disk_mbs >= 0);
ALTER TABLE machine ADD COLUMN bench_us I64 NOT NULL DEFAULT 0;
