-- SPDX-License-Identifier: Apache-2.0
-- What renters run up by the clock, as lines (market/accrual.h): of each contract with meters that are
-- not closed, and their sum for each renter. A number is high * 2^62 + low. A contract is to be looked at
-- anew from due_us on: where its line bends by itself, or at once (0), which whatever its line is made
-- of says here, whoever changes it.
CREATE TABLE accrued_part (
  contract_id I64 PRIMARY KEY REFERENCES contract(id),
  owner_id I64 NOT NULL REFERENCES users(id),
  burn_high I64 NOT NULL DEFAULT 0,
  burn_low I64 NOT NULL DEFAULT 0 CHECK (burn_low BETWEEN 0 AND 4611686018427387903),
  base_high I64 NOT NULL DEFAULT 0,
  base_low I64 NOT NULL DEFAULT 0 CHECK (base_low BETWEEN 0 AND 4611686018427387903),
  seen_us I64 NOT NULL DEFAULT 0,
  due_us I64 NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX accrued_part_due ON accrued_part(owner_id, due_us);

CREATE TABLE accrued_sum (
  owner_id I64 PRIMARY KEY REFERENCES users(id),
  burn_high I64 NOT NULL,
  burn_low I64 NOT NULL CHECK (burn_low BETWEEN 0 AND 4611686018427387903),
  base_high I64 NOT NULL,
  base_low I64 NOT NULL CHECK (base_low BETWEEN 0 AND 4611686018427387903)
) STRICT;

INSERT INTO accrued_part (contract_id, owner_id)
SELECT id, owner_id FROM contract WHERE id IN (SELECT instance_id FROM meter WHERE closed_us IS NULL);

-- sqlite:
CREATE TRIGGER accrued_meter AFTER UPDATE ON meter WHEN NEW.comp <= 2
BEGIN UPDATE accrued_part SET due_us = 0 WHERE contract_id = NEW.instance_id AND due_us <> 0; END;
CREATE TRIGGER accrued_run_begins AFTER INSERT ON run_interval
BEGIN UPDATE accrued_part SET due_us = 0 WHERE contract_id = NEW.contract_id AND due_us <> 0; END;
CREATE TRIGGER accrued_run AFTER UPDATE ON run_interval
BEGIN UPDATE accrued_part SET due_us = 0 WHERE contract_id = NEW.contract_id AND due_us <> 0; END;
CREATE TRIGGER accrued_contract
AFTER UPDATE OF destroyed_us, end_us, pause_us, disk_metered_us, disk_offline_us ON contract
WHEN OLD.destroyed_us <> NEW.destroyed_us OR OLD.end_us <> NEW.end_us OR OLD.pause_us <> NEW.pause_us
  OR OLD.disk_metered_us <> NEW.disk_metered_us OR OLD.disk_offline_us <> NEW.disk_offline_us
BEGIN UPDATE accrued_part SET due_us = 0 WHERE contract_id = NEW.id AND due_us <> 0; END;
CREATE TRIGGER accrued_machine AFTER UPDATE OF is_online, offline_since_us ON machine
WHEN OLD.is_online <> NEW.is_online OR OLD.offline_since_us <> NEW.offline_since_us
BEGIN
  UPDATE accrued_part SET due_us = 0 WHERE due_us <> 0
    AND contract_id IN (SELECT id FROM contract WHERE machine_id = NEW.id AND destroyed_us = 0);
END;
-- postgres:
CREATE FUNCTION accrued_due_of_meter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accrued_part SET due_us = 0 WHERE contract_id = NEW.instance_id AND due_us <> 0;
  RETURN NULL;
END $$;
CREATE FUNCTION accrued_due_of_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accrued_part SET due_us = 0 WHERE contract_id = NEW.contract_id AND due_us <> 0;
  RETURN NULL;
END $$;
CREATE FUNCTION accrued_due_of_contract() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accrued_part SET due_us = 0 WHERE contract_id = NEW.id AND due_us <> 0;
  RETURN NULL;
END $$;
CREATE FUNCTION accrued_due_of_machine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accrued_part SET due_us = 0 WHERE due_us <> 0
    AND contract_id IN (SELECT id FROM contract WHERE machine_id = NEW.id AND destroyed_us = 0);
  RETURN NULL;
END $$;
CREATE TRIGGER accrued_meter AFTER UPDATE ON meter FOR EACH ROW WHEN (NEW.comp <= 2)
  EXECUTE FUNCTION accrued_due_of_meter();
CREATE TRIGGER accrued_run AFTER INSERT OR UPDATE ON run_interval FOR EACH ROW
  EXECUTE FUNCTION accrued_due_of_run();
CREATE TRIGGER accrued_contract
AFTER UPDATE OF destroyed_us, end_us, pause_us, disk_metered_us, disk_offline_us ON contract FOR EACH ROW
WHEN (OLD.destroyed_us <> NEW.destroyed_us OR OLD.end_us <> NEW.end_us OR OLD.pause_us <> NEW.pause_us
  OR OLD.disk_metered_us <> NEW.disk_metered_us OR OLD.disk_offline_us <> NEW.disk_offline_us)
EXECUTE FUNCTION accrued_due_of_contract();
CREATE TRIGGER accrued_machine AFTER UPDATE OF is_online, offline_since_us ON machine FOR EACH ROW
WHEN (OLD.is_online <> NEW.is_online OR OLD.offline_since_us <> NEW.offline_since_us)
EXECUTE FUNCTION accrued_due_of_machine();
-- end
