-- SPDX-License-Identifier: Apache-2.0
-- What arrived before receipts had numbers gets one now: of the year that it arrived in, behind those
-- that the year has, in the order of arrival. So a year's numbers have no gaps, and none is used twice.
CREATE TABLE receipt_owed (
  deposit_id I64 PRIMARY KEY,
  year I64 NOT NULL,
  place I64 NOT NULL
) STRICT;

-- The year of a day, by whole numbers alone: eras of 146097 days, which begin with a March.
INSERT INTO receipt_owed (deposit_id, year, place)
SELECT id, year, ROW_NUMBER() OVER (PARTITION BY year ORDER BY arrived_us, id) FROM (
  SELECT id, arrived_us,
    era * 400 + yoe + CASE WHEN (5 * (doe - (365 * yoe + yoe / 4 - yoe / 100)) + 2) / 153 >= 10
                           THEN 1 ELSE 0 END AS year
  FROM (
    SELECT id, arrived_us, era, doe, (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365 AS yoe FROM (
      SELECT id, arrived_us, z / 146097 AS era, z - z / 146097 * 146097 AS doe FROM (
        SELECT id, COALESCE(settled_us, created_us) AS arrived_us,
          COALESCE(settled_us, created_us) / 86400000000 + 719468 AS z
        FROM deposit WHERE state = 2 AND receipt IS NULL
      ) AS days
    ) AS eras
  ) AS years
) AS arrived;

UPDATE deposit SET receipt = (
  SELECT 'REC-' || year || '-' ||
    CASE WHEN number < 1000000 THEN substr('000000', 1, 6 - length('' || number)) ELSE '' END || number
  FROM (
    SELECT o.deposit_id, o.year, o.place + COALESCE(s.last, 0) AS number
    FROM receipt_owed o LEFT JOIN bill_series s ON s.series = 'REC' AND s.year = o.year
  ) AS numbers
  WHERE numbers.deposit_id = deposit.id
) WHERE id IN (SELECT deposit_id FROM receipt_owed);

INSERT INTO bill_series (series, year, last)
SELECT 'REC', year, COUNT(*) FROM receipt_owed WHERE place > 0 GROUP BY year
ON CONFLICT (series, year) DO UPDATE SET last = bill_series.last + excluded.last;

DROP TABLE receipt_owed;
