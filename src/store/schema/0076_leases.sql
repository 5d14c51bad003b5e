-- SPDX-License-Identifier: Apache-2.0
-- Leases that can run out: sessions of machines that are online. Whose runs out next is asked ten times a second while
-- anything happens, and machines that went away stay in the books for years: their index has none of these.
ALTER TABLE agent_session ADD COLUMN is_online I64 NOT NULL DEFAULT 0 CHECK (is_online IN (0, 1));
UPDATE agent_session SET is_online = 1 WHERE machine_id IN (SELECT id FROM machine WHERE is_online = 1);
DROP INDEX agent_session_heartbeat;
CREATE INDEX agent_session_lease ON agent_session(last_heartbeat_us) WHERE is_online = 1;

-- sqlite:
CREATE TRIGGER agent_session_online AFTER UPDATE OF is_online ON machine WHEN OLD.is_online <> NEW.is_online
BEGIN UPDATE agent_session SET is_online = NEW.is_online WHERE machine_id = NEW.id; END;
-- postgres:
CREATE FUNCTION agent_session_online() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE agent_session SET is_online = NEW.is_online WHERE machine_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER agent_session_online AFTER UPDATE OF is_online ON machine FOR EACH ROW
WHEN (OLD.is_online <> NEW.is_online) EXECUTE FUNCTION agent_session_online();
-- end
