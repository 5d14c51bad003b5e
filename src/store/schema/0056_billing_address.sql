-- SPDX-License-Identifier: Apache-2.0
-- Where bills of an account are addressed to, as its owner says it.
ALTER TABLE users ADD COLUMN bill_line1 TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN bill_line2 TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN bill_city TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN bill_zip TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN bill_country TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN bill_taxinfo TEXT NOT NULL DEFAULT '';
