-- SPDX-License-Identifier: Apache-2.0
-- Teams: accounts that several people act for. A team is a row of `users` like any other, without a
-- password; who may act for it is a member, with what the member's role allows.

CREATE TABLE team (
  id I64 PRIMARY KEY REFERENCES users(id),
  name TEXT NOT NULL,
  owner_id I64 NOT NULL REFERENCES users(id),
  created_us I64 NOT NULL,
  deleted_us I64
) STRICT;
CREATE UNIQUE INDEX team_owner ON team(owner_id, name) WHERE deleted_us IS NULL;

-- rights: a permission object as keys have one; scopes: the categories that it grants whole.
CREATE TABLE team_role (
  id ID,
  team_id I64 NOT NULL REFERENCES team(id),
  name TEXT NOT NULL,
  rights TEXT NOT NULL,
  scopes I64 NOT NULL,
  UNIQUE (team_id, name)
) STRICT;

CREATE TABLE team_member (
  team_id I64 NOT NULL REFERENCES team(id),
  user_id I64 NOT NULL REFERENCES users(id),
  role_id I64 NOT NULL REFERENCES team_role(id),
  joined_us I64 NOT NULL,
  PRIMARY KEY (team_id, user_id)
) STRICT;
CREATE INDEX team_member_user ON team_member(user_id, team_id);

-- Of a team's key: the member who acts with it. 0: the account's own, or an instance's.
ALTER TABLE api_key ADD COLUMN member_id I64 NOT NULL DEFAULT 0;
-- And who did what on a team's account.
ALTER TABLE audit_log ADD COLUMN member_id I64 NOT NULL DEFAULT 0;
