-- Which statements write over the beginning of a large object? Needs to own it.
SELECT format('large object %s', oid), format('SELECT lo_put(%s, 0, ''\x00ff'')', oid)
  FROM pg_largeobject_metadata
 WHERE pg_has_role(lomowner, 'USAGE')
 ORDER BY oid
