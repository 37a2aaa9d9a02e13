-- Which files do these tables have by now? A table that was truncated or rewritten since a snapshot
-- has another one, and looks empty or moved under that snapshot; pg_class read under the snapshot
-- still tells of the old one. Needs no privilege.
SELECT relation, pg_relation_filenode(relation::oid)::bigint
  FROM unnest(%(relations)s::bigint[]) AS relation
