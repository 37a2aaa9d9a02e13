-- Are indexes sound, and do they have every row of their tables? Raises where one is not.
-- Needs EXECUTE on bt_index_check, which superusers grant.
SELECT {{ schema|ident }}.bt_index_check(relation::oid::regclass, true)
  FROM unnest(%(relations)s::bigint[]) AS relation
