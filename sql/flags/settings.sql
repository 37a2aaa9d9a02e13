-- What the server makes of the named settings: value and unit as it counts them, where they
-- come from, and whether a start is still missing. Needs no privilege for flags that
-- Cloud SQL takes.
SELECT name, setting, coalesce(unit, ''), source, pending_restart
FROM pg_settings
WHERE name = ANY (%(names)s)
ORDER BY name
