-- On which tables does row security decide, and has each of these roles a policy for each word?
-- Needs no privilege.
SELECT n.nspname::text, c.relname::text, r.rolname::text, w.word
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN pg_roles r
 CROSS JOIN (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) w (word, cmd)
 WHERE c.relrowsecurity AND c.relkind IN ('r', 'p')
   AND /* include user_schemas */
   AND r.rolname = ANY(%(roles)s)
   AND NOT r.rolbypassrls AND NOT r.rolsuper
   AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))
   AND NOT EXISTS (SELECT FROM pg_policy p
                    WHERE p.polrelid = c.oid AND p.polpermissive
                      AND p.polcmd IN ('*', w.cmd)
                      AND EXISTS (SELECT FROM unnest(p.polroles) o
                                   WHERE o = 0 OR pg_has_role(r.oid, o, 'USAGE')))
 ORDER BY 1, 2, 3, 4
