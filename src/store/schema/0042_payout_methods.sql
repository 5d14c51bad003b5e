-- SPDX-License-Identifier: Apache-2.0
-- How hosts are paid by a provider, and how far a payout has come there.

-- account: the provider's name for the host; '': none yet. link: the page on which the host says to the
-- provider who it is; links are good once, and are counted.
CREATE TABLE payout_method (
  user_id I64 PRIMARY KEY REFERENCES users(id),
  provider TEXT NOT NULL,
  country TEXT NOT NULL,
  account TEXT NOT NULL DEFAULT '',
  is_ready I64 NOT NULL DEFAULT 0 CHECK (is_ready IN (0, 1)),
  reason TEXT NOT NULL DEFAULT '',
  links I64 NOT NULL DEFAULT 0,
  link TEXT NOT NULL DEFAULT '',
  created_us I64 NOT NULL,
  updated_us I64 NOT NULL
) STRICT;
CREATE UNIQUE INDEX payout_method_account ON payout_method(provider, account) WHERE account <> '';

-- transfer: what moved the money to the host's account; object_id: what moves it on to the bank, anew
-- for each try. failed_us: since when the bank has refused it; 0: it has not.
CREATE TABLE payout_route (
  payout_id I64 PRIMARY KEY REFERENCES payout(id),
  account TEXT NOT NULL,
  transfer TEXT NOT NULL DEFAULT '',
  object_id TEXT NOT NULL DEFAULT '',
  tries I64 NOT NULL DEFAULT 0,
  failed_us I64 NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX payout_route_object ON payout_route(account, object_id) WHERE object_id <> '';
