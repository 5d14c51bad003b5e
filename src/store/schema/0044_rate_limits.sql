-- SPDX-License-Identifier: Apache-2.0
-- The most that an instance may send and receive, in Mbit/s, by its renter's word; 0: what its host allows.
ALTER TABLE contract ADD COLUMN limit_up_mbit I64 NOT NULL DEFAULT 0 CHECK (limit_up_mbit >= 0);
ALTER TABLE contract ADD COLUMN limit_down_mbit I64 NOT NULL DEFAULT 0 CHECK (limit_down_mbit >= 0);
