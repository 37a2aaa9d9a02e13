-- Is an index sound, and does it have every row of its table? Raises where it does not.
-- Needs EXECUTE on bt_index_check, which superusers grant.
SELECT {{ schema|ident }}.bt_index_check(%(relation)s::oid::regclass, true)
