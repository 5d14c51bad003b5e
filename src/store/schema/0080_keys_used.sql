-- SPDX-License-Identifier: Apache-2.0
-- When an API key was last used, to the hour; 0: not since this is written down.
ALTER TABLE api_key ADD COLUMN used_us I64 NOT NULL DEFAULT 0;
