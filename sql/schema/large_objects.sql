-- Which large objects are there, whose, and what do they hold? Read in pieces of 8 MB, since one
-- may have 4 TB. Needs SELECT on the large objects: of others only the owner and grants are told,
-- and that their content was not seen.
SELECT format('large object %s', l.oid),
       concat_ws(' ', 'owner', pg_get_userbyid(l.lomowner), l.lomacl::text,
                 CASE WHEN pg_has_role(l.lomowner, 'USAGE')
                        OR EXISTS (SELECT FROM aclexplode(l.lomacl) g
                                    WHERE g.privilege_type = 'SELECT'
                                      AND (g.grantee = 0 OR pg_has_role(g.grantee, 'USAGE')))
                      THEN (SELECT 'holds ' || md5(coalesce(string_agg(
                                       md5(lo_get(l.oid, place, 8388608)), '' ORDER BY place), ''))
                              FROM (SELECT o.size, lo_close(o.fd)
                                      FROM (SELECT f.fd, lo_lseek64(f.fd, 0, 2) AS size  -- SEEK_END
                                              FROM (SELECT lo_open(l.oid, 262144) AS fd  -- INV_READ
                                                    OFFSET 0) f
                                            OFFSET 0) o
                                    OFFSET 0) s
                             CROSS JOIN LATERAL
                                   generate_series(0, s.size - 1, 8388608) AS place)
                      ELSE '(not seen)' END)
  FROM pg_largeobject_metadata l
 ORDER BY 1
