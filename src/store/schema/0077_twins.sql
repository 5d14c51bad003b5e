-- SPDX-License-Identifier: Apache-2.0
-- Two machines with one key take the session from each other (market/twins.h): the boot before that of the session, and how
-- often one came back since when.
ALTER TABLE agent_session ADD COLUMN boot_before TEXT NOT NULL DEFAULT '';
ALTER TABLE agent_session ADD COLUMN turns I64 NOT NULL DEFAULT 0 CHECK (turns >= 0);
ALTER TABLE agent_session ADD COLUMN turns_since_us I64 NOT NULL DEFAULT 0;
