-- SPDX-License-Identifier: Apache-2.0
-- What a machine took for what it has done: bytes a second of its pulls, and milliseconds from an
-- image that is there to an instance that runs. -1: not measured yet.
CREATE TABLE machine_start (
  machine_id I64 NOT NULL PRIMARY KEY REFERENCES machine(id),
  pull_rate I64 NOT NULL CHECK (pull_rate >= -1),
  start_ms I64 NOT NULL CHECK (start_ms >= -1)
) STRICT;

-- Images that it holds, by name in full; and what pulling all of one fetched there, -1: not known.
CREATE TABLE machine_image (
  machine_id I64 NOT NULL REFERENCES machine(id),
  image TEXT NOT NULL,
  pull_bytes I64 NOT NULL CHECK (pull_bytes >= -1),
  PRIMARY KEY (machine_id, image)
) STRICT;
CREATE INDEX machine_image_name ON machine_image(image, pull_bytes);
