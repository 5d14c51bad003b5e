-- SPDX-License-Identifier: Apache-2.0
-- Saved cards that are charged with nobody there: for a debt, and where its owner has asked for it, to
-- top up. tries: declined ones since one went through. next_us: not before; never: not until a card is
-- left or the settings change. debt_day: the last on which a small debt was collected.

CREATE TABLE autopay (
  user_id I64 PRIMARY KEY REFERENCES users(id),
  threshold I64 NOT NULL DEFAULT 0 CHECK (threshold >= 0),
  topup I64 NOT NULL DEFAULT 0 CHECK (topup >= 0),
  tries I64 NOT NULL DEFAULT 0 CHECK (tries >= 0),
  next_us I64 NOT NULL DEFAULT 0,
  debt_day I64 NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX autopay_topup ON autopay(next_us) WHERE topup > 0;
