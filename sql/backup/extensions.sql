-- Which extensions are there or can be installed: is it installed, is it the user's or of a role whose
-- rights the user has, and may everybody install it who may make objects? Needs no privilege.
SELECT a.name, e.oid IS NOT NULL, coalesce(pg_has_role(%(user)s, e.extowner, 'USAGE'), false),
       EXISTS (SELECT FROM pg_available_extension_versions v
                WHERE v.name = a.name AND v.version = a.default_version AND v.trusted)
  FROM pg_available_extensions a
  LEFT JOIN pg_extension e ON e.extname = a.name
 ORDER BY 1
