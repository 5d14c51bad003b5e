-- SPDX-License-Identifier: Apache-2.0
-- Stop when it has sent and received so many bytes; 0: no. And how many it has since that was set.
ALTER TABLE contract ADD COLUMN traffic_cap_bytes I64 NOT NULL DEFAULT 0 CHECK (traffic_cap_bytes >= 0);
ALTER TABLE contract ADD COLUMN moved_bytes I64 NOT NULL DEFAULT 0 CHECK (moved_bytes >= 0);
