-- SPDX-License-Identifier: Apache-2.0
-- Openings of a proof of compute come in parts, on whichever server; what a check has summed up of
-- those that came, until the last.
CREATE TABLE machine_proof_sums (
  proof_id I64 NOT NULL PRIMARY KEY REFERENCES machine_proof(id),
  sums BYTES NOT NULL
) STRICT;
