-- Which row security policies are there? Needs no privilege.
SELECT format('%I.%I: %I', schemaname, tablename, policyname),
       concat_ws(' ', permissive, cmd, 'to', array_to_string(roles, ', '),
                 'using', qual, 'check', with_check)
  FROM pg_policies
 ORDER BY 1
