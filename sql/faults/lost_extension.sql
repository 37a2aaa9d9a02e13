-- Which statements drop an extension that nothing needs? Needs to own it.
SELECT extname::text, format('DROP EXTENSION %I', extname)
  FROM pg_extension
 WHERE extname NOT IN ('plpgsql', 'amcheck')
 ORDER BY 1
