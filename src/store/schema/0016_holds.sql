-- SPDX-License-Identifier: Apache-2.0
-- Money that is set aside: what for, for whom, and until when. Kinds: market/hold.h.

ALTER TABLE hold ADD COLUMN kind I64 NOT NULL DEFAULT 1 CHECK (kind IN (1, 2, 3));
ALTER TABLE hold ADD COLUMN user_id I64 REFERENCES users(id);
ALTER TABLE hold ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE hold ADD COLUMN created_us I64 NOT NULL DEFAULT 0;
ALTER TABLE hold ADD COLUMN resolved_us I64 CHECK (resolved_us IS NULL OR state <> 0);
CREATE INDEX hold_user ON hold(user_id, id);
CREATE INDEX hold_expires ON hold(expires_us) WHERE state = 0;

-- One that has ended stays as it ended, and none changes what it holds.
-- sqlite:
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0 OR NEW.amount <> OLD.amount
  OR NEW.dr <> OLD.dr OR NEW.cr <> OLD.cr OR NEW.idem_key <> OLD.idem_key
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER hold_no_delete BEFORE DELETE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'holds stay'); END;
-- postgres:
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold FOR EACH ROW
WHEN (OLD.state <> 0 OR NEW.amount <> OLD.amount OR NEW.dr <> OLD.dr OR NEW.cr <> OLD.cr
  OR NEW.idem_key <> OLD.idem_key) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_no_delete BEFORE DELETE ON hold
FOR EACH ROW WHEN (OLD.state <> 0) EXECUTE FUNCTION refuse_change();
-- end
