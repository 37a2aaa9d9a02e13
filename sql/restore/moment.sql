-- What time is it after the marker, and how long until then? In whole milliseconds, which every
-- client of the Admin API can say. Needs no privilege.
SELECT t.target, extract(epoch FROM t.target - clock_timestamp())::float8
  FROM (SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 ms' AS target) AS t
