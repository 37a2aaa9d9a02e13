-- Which triggers, rules and event triggers are there, and do they fire? Of a rule its stored tree is
-- compared: pg_get_ruledef keeps a lock on every table that it names. Needs no privilege.
SELECT format('%s: %I', t.tgrelid::regclass, t.tgname),
       concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled,
                 CASE WHEN t.tgparentid <> 0 THEN 'of the partitioned table' END)
  FROM pg_trigger t
 WHERE NOT t.tgisinternal
 UNION ALL
SELECT format('%s: rule %I', r.ev_class::regclass, r.rulename),
       concat_ws(' ', 'event', r.ev_type, CASE WHEN r.is_instead THEN 'instead' END,
                 'defined as', md5(concat(r.ev_qual, ' ', r.ev_action)), 'enabled', r.ev_enabled)
  FROM pg_rewrite r
  JOIN pg_class c ON c.oid = r.ev_class
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include user_schemas */
   AND r.rulename <> '_RETURN'
 UNION ALL
SELECT format('event trigger %I', e.evtname),
       concat_ws(' ', e.evtevent, e.evtfoid::regproc, e.evttags::text, 'enabled', e.evtenabled,
                 'owner', pg_get_userbyid(e.evtowner))
  FROM pg_event_trigger e
 ORDER BY 1
