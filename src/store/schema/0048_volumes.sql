-- SPDX-License-Identifier: Apache-2.0
-- Volumes: space on a machine that outlives the instances that mount it. One is a contract of kind 5
-- (market/rental.h) without GPUs, stopped all its life, whose disk meter runs as any other.
ALTER TABLE contract ADD COLUMN kind_and_volumes I64 NOT NULL DEFAULT 1
  CHECK (kind_and_volumes IN (1, 2, 3, 4, 5));
UPDATE contract SET kind_and_volumes = kind;
DROP INDEX contract_unfunded;
ALTER TABLE contract DROP COLUMN kind;
ALTER TABLE contract RENAME COLUMN kind_and_volumes TO kind;
CREATE INDEX contract_unfunded ON contract(owner_id, id)
  WHERE kind = 2 AND state = 7 AND reason = 2;
CREATE INDEX contract_offer ON contract(offer_id) WHERE kind = 5 AND state <> 9;

-- Space on offer for volumes, disk_gb in all: at most one such offer of a machine is live.
ALTER TABLE offer ADD COLUMN is_volume I64 NOT NULL DEFAULT 0 CHECK (is_volume IN (0, 1));
CREATE UNIQUE INDEX offer_volume ON offer(machine_id) WHERE removed_us IS NULL AND is_volume = 1;

-- Which instance mounts which volume, since it was made and for all its life.
CREATE TABLE volume_mount (
  contract_id I64 NOT NULL REFERENCES contract(id),
  volume_id I64 NOT NULL REFERENCES contract(id),
  PRIMARY KEY (contract_id, volume_id)
) STRICT;
CREATE INDEX volume_mount_volume ON volume_mount(volume_id, contract_id);
