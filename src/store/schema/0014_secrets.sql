-- SPDX-License-Identifier: Apache-2.0
-- Variables of accounts, encrypted: each account has a key, which lies here under the market's
-- master key, which does not lie here. `sealed` is a nonce, a ciphertext and a tag.

CREATE TABLE data_key (
  user_id I64 PRIMARY KEY REFERENCES users(id),
  master_id I64 NOT NULL,
  sealed BYTES NOT NULL,
  created_us I64 NOT NULL
) STRICT;

CREATE TABLE secret (
  user_id I64 NOT NULL REFERENCES users(id),
  name TEXT NOT NULL,
  sealed BYTES NOT NULL,
  updated_us I64 NOT NULL,
  PRIMARY KEY (user_id, name)
) STRICT;

-- What a contract got of them when it was made: later changes are for later contracts.
CREATE TABLE contract_env (
  contract_id I64 PRIMARY KEY REFERENCES contract(id),
  sealed BYTES NOT NULL
) STRICT;
