-- Which statements make a view show no rows? Needs to own it.
SELECT c.oid::regclass::text,
       format('CREATE OR REPLACE VIEW %s AS SELECT * FROM (%s) AS shown WHERE false', c.oid::regclass,
              rtrim(pg_get_viewdef(c.oid), '; '))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'v'
   AND /* include application_schemas */
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname <> 'drill_selftest', 1
