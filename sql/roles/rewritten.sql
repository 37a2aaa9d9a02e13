-- Which relations does a view or rule use with the rights of its owner, and for what? What every
-- role may do with the relation anyway is left out. Needs no privilege.
WITH used AS (
    -- pg_depend does not have the catalogs, which are pinned
    SELECT DISTINCT w.ev_class AS view, r.oid AS relation, w.ev_type, w.rulename
      FROM pg_rewrite w
      JOIN pg_class c ON c.oid = w.ev_class
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN regexp_matches(w.ev_action::text, ':relid (\d+)', 'g') used (oids)
      JOIN pg_class r ON r.oid = used.oids[1]::oid AND r.oid <> w.ev_class
                     AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
     WHERE w.ev_enabled <> 'D' AND /* include user_schemas */
)
SELECT vn.nspname::text, v.relname::text,
       CASE u.ev_type WHEN '1' THEN p.word WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT'
                      ELSE 'DELETE' END,
       rn.nspname::text, r.relname::text, p.word,
       CASE WHEN u.rulename = '_RETURN' THEN 'view' ELSE 'rule ' || u.rulename END
  FROM used u
  JOIN pg_class v ON v.oid = u.view
  JOIN pg_namespace vn ON vn.oid = v.relnamespace
  JOIN pg_class r ON r.oid = u.relation
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
 CROSS JOIN (VALUES ('SELECT', 0), ('UPDATE', 4), ('INSERT', 8), ('DELETE', 16)) p (word, bit)
 WHERE NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = v.oid
                      AND d.deptype = 'e')
   AND NOT EXISTS (SELECT FROM pg_options_to_table(v.reloptions) o
                    WHERE o.option_name = 'security_invoker'
                      AND o.option_value IN ('true', 'on', 'yes', '1'))
   AND (p.word = 'SELECT' OR u.ev_type <> '1'
        OR pg_relation_is_updatable(v.oid, true) & p.bit <> 0)
   AND has_table_privilege(v.relowner, r.oid, p.word)
   AND NOT has_table_privilege('public', r.oid, p.word)
 ORDER BY 1, 2, 3, 4, 5
