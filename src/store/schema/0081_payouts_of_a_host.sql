-- SPDX-License-Identifier: Apache-2.0
-- A host looks at its own payouts, newest first.
CREATE INDEX payout_host ON payout(host_id, id);
