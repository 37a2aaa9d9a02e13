-- What is wrong with a table's pages? Needs EXECUTE on verify_heapam, which superusers grant.
SELECT blkno, offnum, attnum, msg
  FROM {{ schema|ident }}.verify_heapam(%(relation)s::oid::regclass)
 LIMIT 10
