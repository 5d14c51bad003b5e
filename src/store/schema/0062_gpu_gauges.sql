-- SPDX-License-Identifier: Apache-2.0
-- How a machine's GPUs were when it last said so (proto/gpu_gauge.h), as JSON: for its host to look at.
CREATE TABLE machine_gauge (
  machine_id I64 NOT NULL PRIMARY KEY REFERENCES machine(id),
  told_us I64 NOT NULL,
  gpus TEXT NOT NULL
) STRICT;
