-- SPDX-License-Identifier: Apache-2.0
-- What takes two operators (market/approval.h): who asked for it, and who joined in. `what` names the
-- deed, of which there is one; `body` says how much of it.

CREATE TABLE approval (
  id ID,
  what TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL,
  amount I64 NOT NULL CHECK (amount > 0),
  asked_by I64 NOT NULL REFERENCES users(id),
  asked_us I64 NOT NULL,
  given_by I64 REFERENCES users(id),
  given_us I64,
  CHECK (given_by IS NULL OR given_by <> asked_by),
  CHECK ((given_by IS NULL) = (given_us IS NULL))
) STRICT;

-- sqlite:
CREATE TRIGGER approval_given_once BEFORE UPDATE ON approval WHEN OLD.given_by IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an approval is given once'); END;
CREATE TRIGGER approval_no_delete BEFORE DELETE ON approval
BEGIN SELECT RAISE(ABORT, 'approvals stay'); END;
-- postgres:
CREATE TRIGGER approval_given_once BEFORE UPDATE ON approval FOR EACH ROW
WHEN (OLD.given_by IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approval_no_delete BEFORE DELETE ON approval
FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- end
