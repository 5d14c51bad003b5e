-- SPDX-License-Identifier: Apache-2.0
-- A closed account (flag 4) takes nothing more, whoever has known its id since before.
-- sqlite:
CREATE TRIGGER account_closed
BEFORE UPDATE OF dr_posted, cr_posted, dr_pending, cr_pending ON account WHEN OLD.flags & 4
BEGIN SELECT RAISE(ABORT, 'the account is closed'); END;
-- postgres:
CREATE TRIGGER account_closed
BEFORE UPDATE OF dr_posted, cr_posted, dr_pending, cr_pending ON account
FOR EACH ROW WHEN (OLD.flags & 4 <> 0) EXECUTE FUNCTION refuse_change();
-- end
