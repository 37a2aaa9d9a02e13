-- What keeps these roles from logging in to this database and working there? Limits count too: nobody
-- declares any. Needs no privilege.
-- https://www.postgresql.org/docs/15/catalog-pg-authid.html
SELECT r.rolname::text, o.obstacle, o.remedy
  FROM pg_catalog.pg_roles r
  JOIN pg_catalog.pg_database d ON d.datname = current_database()
 CROSS JOIN LATERAL (VALUES
        (NOT r.rolcanlogin, 'it is NOLOGIN', format('ALTER ROLE %%I LOGIN', r.rolname)),
        (r.rolvaliduntil < now(), format('its password expired at %%s', r.rolvaliduntil),
         format('ALTER ROLE %%I VALID UNTIL ''infinity''', r.rolname)),
        (r.rolvaliduntil >= now() AND r.rolvaliduntil < 'infinity',
         format('its password expires at %%s', r.rolvaliduntil),
         format('ALTER ROLE %%I VALID UNTIL ''infinity''', r.rolname)),
        (r.rolconnlimit <> -1, format('its connections are limited to %%s', r.rolconnlimit),
         format('ALTER ROLE %%I CONNECTION LIMIT -1', r.rolname)),
        (NOT r.rolinherit, 'it is NOINHERIT: rights of its groups are not its own',
         format('ALTER ROLE %%I INHERIT', r.rolname)),
        (NOT has_database_privilege(r.oid, d.oid, 'CONNECT'),
         format('it has no right to CONNECT to %%s', d.datname), 'invoke roles.apply'),
        (NOT d.datallowconn, format('%%s takes no connections', d.datname),
         format('ALTER DATABASE %%I ALLOW_CONNECTIONS true', d.datname)),
        (d.datconnlimit <> -1,
         format('connections to %%s are limited to %%s', d.datname, d.datconnlimit),
         format('ALTER DATABASE %%I CONNECTION LIMIT -1', d.datname))
       ) o (present, obstacle, remedy)
 WHERE r.rolname = ANY(%(roles)s) AND o.present
 ORDER BY 1, 2
