-- SPDX-License-Identifier: Apache-2.0
-- What was on the market, once an hour: when it was looked at, and lots of GPUs that are alike (market/prices.h).
CREATE TABLE market_look (
  hour I64 PRIMARY KEY,
  at_us I64 NOT NULL
) STRICT;
CREATE TABLE market_lot (
  hour I64 NOT NULL REFERENCES market_look(hour),
  gpu_name TEXT NOT NULL,
  is_rented I64 NOT NULL CHECK (is_rented IN (0, 1)),
  is_verified I64 NOT NULL CHECK (is_verified IN (0, 1)),
  is_datacenter I64 NOT NULL CHECK (is_datacenter IN (0, 1)),
  gpus I64 NOT NULL CHECK (gpus > 0),
  size I64 NOT NULL CHECK (size >= 0),
  gpu_hour I64 NOT NULL CHECK (gpu_hour >= 0),
  lots I64 NOT NULL CHECK (lots > 0)
) STRICT;
CREATE INDEX market_lot_of ON market_lot(gpu_name, hour);
CREATE INDEX market_lot_hour ON market_lot(hour);
