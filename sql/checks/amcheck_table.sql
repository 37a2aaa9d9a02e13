-- What is wrong with tables' pages? Needs EXECUTE on verify_heapam, which superusers grant.
SELECT relation, v.blkno, v.offnum, v.attnum, v.msg
  FROM unnest(%(relations)s::bigint[]) AS relation
 CROSS JOIN LATERAL (SELECT blkno, offnum, attnum, msg
                       FROM {{ schema|ident }}.verify_heapam(relation::oid::regclass)
                      LIMIT 10) v
