-- Is amcheck installed, where, and may we call it? Needs no privilege.
SELECT n.nspname,
       has_function_privilege(format('%I.bt_index_check(regclass, boolean)', n.nspname), 'EXECUTE')
   AND has_function_privilege(format('%I.verify_heapam(regclass, boolean, boolean, text, bigint, bigint)',
                                     n.nspname), 'EXECUTE')
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = 'amcheck'
