-- SPDX-License-Identifier: Apache-2.0
-- Contracts whose time is charged, beside those that only exist: who has an open interval says so here,
-- whoever opens or closes it. Whose posting comes next is asked up to ten times a second, and those that
-- are stopped are posted more rarely: they came first, and each was passed over each time. So were idle
-- jobs and bids that never ran, which are never posted; no index of postings has them now.
ALTER TABLE contract ADD COLUMN is_charged I64 NOT NULL DEFAULT 0 CHECK (is_charged IN (0, 1));
DROP INDEX contract_posted;
CREATE INDEX contract_posted ON contract(posted_us, id)
  WHERE destroyed_us = 0 AND started_us > 0 AND kind <> 4;
CREATE INDEX contract_posted_charged ON contract(posted_us, id)
  WHERE is_charged = 1 AND destroyed_us = 0 AND started_us > 0 AND kind <> 4;

-- sqlite:
CREATE TRIGGER contract_charged_begins AFTER INSERT ON run_interval WHEN NEW.end_us IS NULL
BEGIN UPDATE contract SET is_charged = 1 WHERE id = NEW.contract_id; END;
CREATE TRIGGER contract_charged_turns AFTER UPDATE OF end_us ON run_interval
WHEN (OLD.end_us IS NULL) <> (NEW.end_us IS NULL)
BEGIN UPDATE contract SET is_charged = (NEW.end_us IS NULL) WHERE id = NEW.contract_id; END;
-- postgres:
CREATE FUNCTION contract_charged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE contract SET is_charged = CASE WHEN NEW.end_us IS NULL THEN 1 ELSE 0 END WHERE id = NEW.contract_id;
  RETURN NULL;
END $$;
CREATE TRIGGER contract_charged_begins AFTER INSERT ON run_interval FOR EACH ROW
  WHEN (NEW.end_us IS NULL) EXECUTE FUNCTION contract_charged();
CREATE TRIGGER contract_charged_turns AFTER UPDATE OF end_us ON run_interval FOR EACH ROW
  WHEN ((OLD.end_us IS NULL) <> (NEW.end_us IS NULL)) EXECUTE FUNCTION contract_charged();
-- end

-- Last: servers that go on meanwhile open intervals before the triggers are there, or after.
UPDATE contract SET is_charged = 1 WHERE id IN (SELECT contract_id FROM run_interval WHERE end_us IS NULL);
