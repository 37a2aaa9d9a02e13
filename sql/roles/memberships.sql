-- Who is a member of which role, and may hand the membership on? Needs no privilege.
SELECT g.rolname::text, m.rolname::text, bool_or(a.admin_option)
  FROM pg_auth_members a
  JOIN pg_roles g ON g.oid = a.roleid
  JOIN pg_roles m ON m.oid = a.member
    -- from 16 on whoever makes a role gets this, and no right with it
 WHERE NOT (a.admin_option AND a.grantor = 10
            AND coalesce(to_jsonb(a) ->> 'inherit_option', 'true') = 'false'
            AND coalesce(to_jsonb(a) ->> 'set_option', 'true') = 'false')
 GROUP BY 1, 2
 ORDER BY 1, 2
