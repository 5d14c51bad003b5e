-- SPDX-License-Identifier: Apache-2.0
-- Programs that hosts are meant to run, by the SHA-256 of their bytes (flow/agent_build.h). None: any.
CREATE TABLE agent_build (
  digest TEXT NOT NULL PRIMARY KEY CHECK (length(digest) = 64),
  version TEXT NOT NULL,
  added_us I64 NOT NULL
) STRICT;
