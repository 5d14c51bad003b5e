-- SPDX-License-Identifier: Apache-2.0
-- What happened to machines, for everybody to read; and what it comes to (market/reliability.h), as
-- it weighs at counted_us. What came before is not known: counting begins now.
CREATE TABLE machine_event (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  kind I64 NOT NULL,
  start_us I64 NOT NULL,
  end_us I64 NOT NULL DEFAULT 0,
  severity_ppm I64 NOT NULL DEFAULT 0 CHECK (severity_ppm >= 0),
  had_rental I64 NOT NULL DEFAULT 0 CHECK (had_rental IN (0, 1)),
  cause I64 NOT NULL DEFAULT 0,
  contract_id I64 REFERENCES contract(id),
  CHECK (end_us = 0 OR end_us >= start_us)
) STRICT;
CREATE INDEX machine_event_machine ON machine_event(machine_id, id);
CREATE INDEX machine_event_kind ON machine_event(kind, start_us);
ALTER TABLE machine ADD COLUMN lost_ppm I64 NOT NULL DEFAULT 0 CHECK (lost_ppm >= 0);
ALTER TABLE machine ADD COLUMN up_us I64 NOT NULL DEFAULT 0 CHECK (up_us >= 0);
ALTER TABLE machine ADD COLUMN away_us I64 NOT NULL DEFAULT 0 CHECK (away_us >= 0);
ALTER TABLE machine ADD COLUMN counted_us I64 NOT NULL DEFAULT 0;
UPDATE machine SET counted_us = CASE WHEN changed_us > 0 THEN changed_us ELSE created_us END
  WHERE is_online = 1;
INSERT INTO machine_event (machine_id, kind, start_us, end_us)
  SELECT id, 1, counted_us, counted_us FROM machine WHERE is_online = 1;
