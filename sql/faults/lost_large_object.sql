-- Which statements remove a large object? Needs to own it.
SELECT format('large object %s', oid), format('SELECT lo_unlink(%s)', oid)
  FROM pg_largeobject_metadata
 WHERE pg_has_role(lomowner, 'USAGE')
 ORDER BY oid
