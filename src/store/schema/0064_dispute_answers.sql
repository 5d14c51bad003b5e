-- SPDX-License-Identifier: Apache-2.0
-- What is answered to a dispute. asks: its provider waits for evidence, and takes it until due_us (0:
-- it has not said until when).
ALTER TABLE dispute ADD COLUMN asks I64 NOT NULL DEFAULT 0 CHECK (asks IN (0, 1));
ALTER TABLE dispute ADD COLUMN due_us I64 NOT NULL DEFAULT 0;

-- state: 0 a draft, 1 sent, 2 the provider has it, 3 it refused, which reason says. What the books hold
-- is put down when the dispute arrives, and anew when the operator's note changes; what was previewed
-- is what is sent. reminded: how many times operators were reminded. by_user: who sent it; 0: the
-- command line, or somebody at the provider itself.
CREATE TABLE dispute_answer (
  dispute_id I64 PRIMARY KEY REFERENCES dispute(id),
  state I64 NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  note TEXT NOT NULL DEFAULT '',
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  billing TEXT NOT NULL,
  address TEXT NOT NULL,
  served TEXT NOT NULL,
  product TEXT NOT NULL,
  activity TEXT NOT NULL,
  record TEXT NOT NULL,
  made_us I64 NOT NULL,
  sent_us I64 NOT NULL DEFAULT 0,
  by_user I64 NOT NULL DEFAULT 0,
  tries I64 NOT NULL DEFAULT 0 CHECK (tries >= 0),
  reason TEXT NOT NULL DEFAULT '',
  reminded I64 NOT NULL DEFAULT 0 CHECK (reminded >= 0)
) STRICT;

-- The mails to an address, for evidence of what was said.
CREATE INDEX outbox_mail ON outbox(path, id) WHERE provider = 'mail';
