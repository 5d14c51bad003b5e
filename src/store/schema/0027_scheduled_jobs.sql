-- SPDX-License-Identifier: Apache-2.0
-- What is done to an instance again and again, at hours of UTC. body: sealed, where it is a command.
-- day and hour: -1 is any. next_us: the claim of a run moves it on, so that each hour runs once.
CREATE TABLE scheduled_job (
  id ID,
  owner_id I64 NOT NULL REFERENCES users(id),
  contract_id I64 NOT NULL REFERENCES contract(id),
  deed I64 NOT NULL CHECK (deed IN (1, 2, 3)),
  body TEXT NOT NULL,
  frequency TEXT NOT NULL,
  day I64 NOT NULL CHECK (day BETWEEN -1 AND 6),
  hour I64 NOT NULL CHECK (hour BETWEEN -1 AND 23),
  start_us I64 NOT NULL,
  end_us I64 NOT NULL CHECK (end_us > start_us),
  next_us I64 NOT NULL,
  UNIQUE (contract_id, deed)
) STRICT;
CREATE INDEX scheduled_job_owner ON scheduled_job(owner_id, id);
CREATE INDEX scheduled_job_next ON scheduled_job(next_us, id);
