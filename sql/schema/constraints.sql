-- Which constraints are there, are they validated, and do the triggers that enforce them fire?
-- Needs no privilege.
SELECT format('%s: %I', coalesce(nullif(c.conrelid, 0)::regclass::text,
                                 nullif(c.contypid, 0)::regtype::text), c.conname),
       concat_ws(' ', pg_get_constraintdef(c.oid), CASE WHEN c.convalidated THEN 'validated' END,
                 CASE WHEN NOT c.conislocal THEN 'inherited' END,
                 'parents ' || nullif(c.coninhcount, 0),
                 (SELECT format('triggers on %s fire %s', t.tgrelid::regclass,
                                string_agg(t.tgenabled::text, '' ORDER BY t.tgtype, t.oid))
                    FROM pg_trigger t
                   WHERE t.tgconstraint = c.oid AND t.tgisinternal AND t.tgrelid = c.conrelid
                   GROUP BY t.tgrelid),
                 (SELECT format('triggers on %s fire %s', t.tgrelid::regclass,
                                string_agg(t.tgenabled::text, '' ORDER BY t.tgtype, t.oid))
                    FROM pg_trigger t
                   WHERE t.tgconstraint = c.oid AND t.tgisinternal AND t.tgrelid = c.confrelid
                     AND c.confrelid <> c.conrelid
                   GROUP BY t.tgrelid))
  FROM pg_constraint c
  JOIN pg_namespace n ON n.oid = c.connamespace
 WHERE /* include user_schemas */
 ORDER BY 1
