-- Which schemas are the application's: public, and those of the owner. Needs no privilege.
SELECT nspname::text
  FROM pg_namespace
 WHERE nspname = 'public' OR pg_get_userbyid(nspowner) = %(owner)s
 ORDER BY 1
