-- SPDX-License-Identifier: Apache-2.0
-- Which version of the market's terms an account's owner has accepted in signing up, and when.
ALTER TABLE users ADD COLUMN terms TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN terms_us I64 NOT NULL DEFAULT 0;
