-- SPDX-License-Identifier: Apache-2.0
-- Which keys of accounts lie under which master key: those under the one before are sealed anew, some at a time.
CREATE INDEX data_key_master ON data_key(master_id, user_id);
