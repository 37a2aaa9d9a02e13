-- Which statements put an older version of an extension in the place of one that nothing needs?
-- Needs to own it, and CREATE on the database for trusted ones.
SELECT format('%s %s', e.extname, v.version),
       format('DROP EXTENSION %1$I; CREATE EXTENSION %1$I SCHEMA %2$s VERSION %3$L',
              e.extname, e.extnamespace::regnamespace, v.version)
  FROM pg_extension e
  JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version <> e.extversion
 WHERE e.extname NOT IN ('plpgsql', 'amcheck')
 ORDER BY 1
