-- SPDX-License-Identifier: Apache-2.0
-- Relays that show browsers a certificate, and what each lent port carries: 0 TCP, 1 TLS from browsers
-- that ends at the relay, 2 datagrams (market/relaying.h). asked: the name that the renter gave to a
-- port that has the relay's own number inside, 70000 and up; else the same as inside. Ports of
-- notebooks led nowhere until now.
ALTER TABLE relay ADD COLUMN has_https I64 NOT NULL DEFAULT 0 CHECK (has_https IN (0, 1));
ALTER TABLE relay_port ADD COLUMN protocol I64 NOT NULL DEFAULT 0 CHECK (protocol BETWEEN 0 AND 2);
ALTER TABLE relay_port ADD COLUMN asked I64 NOT NULL DEFAULT 0 CHECK (asked BETWEEN 0 AND 79999);
UPDATE relay_port SET asked = inside;
UPDATE relay_port SET protocol = 1 WHERE inside = 8080 AND contract_id IN
  (SELECT id FROM contract WHERE runtype LIKE '%jupyter%');
