-- SPDX-License-Identifier: Apache-2.0
-- Where the owner of an account is called about its bills.
ALTER TABLE users ADD COLUMN bill_phone TEXT NOT NULL DEFAULT '';
