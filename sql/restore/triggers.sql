-- Which triggers, rules and event triggers are there, and do they fire? Needs no privilege.
SELECT format('%s: %I', t.tgrelid::regclass, t.tgname),
       concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
  FROM pg_trigger t
 WHERE NOT t.tgisinternal
 UNION ALL
SELECT format('%s: rule %I', r.ev_class::regclass, r.rulename),
       concat_ws(' ', pg_get_ruledef(r.oid), 'enabled', r.ev_enabled)
  FROM pg_rewrite r
  JOIN pg_class c ON c.oid = r.ev_class
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND r.rulename <> '_RETURN'
 UNION ALL
SELECT format('event trigger %I', e.evtname),
       concat_ws(' ', e.evtevent, e.evtfoid::regproc, e.evttags::text, 'enabled', e.evtenabled)
  FROM pg_event_trigger e
 ORDER BY 1
