-- SPDX-License-Identifier: Apache-2.0
-- Relays, which lend hosts without open ports theirs (server/relay.h), and who has which port.

-- One is known by where agents dial it. pin: hash of its public key in hexadecimal; '': plain TCP.
CREATE TABLE relay (
  id ID,
  agent_host TEXT NOT NULL,
  agent_port I64 NOT NULL CHECK (agent_port BETWEEN 1 AND 65535),
  public_host TEXT NOT NULL,
  port_first I64 NOT NULL CHECK (port_first BETWEEN 1 AND 65535),
  port_last I64 NOT NULL CHECK (port_last BETWEEN port_first AND 65535),
  pin TEXT NOT NULL,
  alive_until_us I64 NOT NULL,
  UNIQUE (agent_host, agent_port)
) STRICT;

-- inside: the container's port that it leads to; 22 is SSH, through the host's front.
CREATE TABLE relay_port (
  relay_id I64 NOT NULL REFERENCES relay(id),
  port I64 NOT NULL CHECK (port BETWEEN 1 AND 65535),
  contract_id I64 NOT NULL REFERENCES contract(id),
  inside I64 NOT NULL CHECK (inside BETWEEN 1 AND 65535),
  PRIMARY KEY (relay_id, port)
) STRICT;
CREATE INDEX relay_port_contract ON relay_port(contract_id, inside, port);
