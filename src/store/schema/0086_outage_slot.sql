-- SPDX-License-Identifier: Apache-2.0
-- Whether outages that began in the same ten seconds were the market's own (flow/history.c): how many hosts there were when that was
-- first asked, and whether it was found so. Else each machine that comes back counts all the others anew.
CREATE TABLE outage_slot (
  slot I64 PRIMARY KEY CHECK (slot >= 0),
  hosts I64 NOT NULL CHECK (hosts >= 0),
  is_market I64 NOT NULL CHECK (is_market IN (0, 1))
) STRICT;
