-- SPDX-License-Identifier: Apache-2.0
-- What was learned of each task's speed (market/predictor.h), and when; weights are of the formula and
-- of each rate, thousandths. The revision is that of what machines are told: it grows with what is
-- used, and a machine with another one is worked out anew.
CREATE TABLE predictor (
  task TEXT PRIMARY KEY,
  state I64 NOT NULL,
  runs I64 NOT NULL CHECK (runs >= 0),
  models I64 NOT NULL CHECK (models >= 0),
  error_ppm I64 NOT NULL CHECK (error_ppm >= 0),
  formula_ppm I64 NOT NULL CHECK (formula_ppm >= 0),
  weights TEXT NOT NULL,
  revision I64 NOT NULL CHECK (revision >= 0),
  fitted_us I64 NOT NULL
) STRICT;
-- What it makes of a machine's tasks, "llm-decode=1100000", millionths of what the formula says; '':
-- the formula holds for all.
ALTER TABLE machine ADD COLUMN bench_learned TEXT NOT NULL DEFAULT '';
ALTER TABLE machine ADD COLUMN bench_fit I64 NOT NULL DEFAULT 0;
CREATE INDEX machine_bench_fit ON machine(bench_fit, id) WHERE bench_model <> '';
