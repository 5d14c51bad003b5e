-- SPDX-License-Identifier: Apache-2.0
-- Who changes how they are paid is not paid until then: it may have been somebody else.
ALTER TABLE payout_method ADD COLUMN held_until_us I64 NOT NULL DEFAULT 0;
