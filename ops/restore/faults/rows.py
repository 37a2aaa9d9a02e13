"""Rows that are not those of the source."""

from ops.restore.faults.statements import as_owner, as_superuser

FAULTS = (
    as_owner("altered-row", "one value of one row", "row that could be changed", "content"),
    as_owner("lost-row", "one row, removed", "row that could be removed", "counts"),
    as_owner("doubled-row", "one row, there twice", "row that could be doubled", "counts"),
    as_owner("swapped-values", "two rows with each other's value", "rows to swap", "content"),
    as_owner("emptied-table", "a table without its rows", "table with rows", "counts"),
    as_owner("lost-table", "the smallest table, dropped", "table with rows", "tables"),
    as_owner("extra-table", "a table that the source lacks", "schema to make it in", "tables"),
    as_owner("changed-spacing", "a blank in a json value", "value of type json", "content"),
    as_owner("changed-scale", "1.5 for 1.50", "numeric without a scale", "content"),
    as_owner("negative-zero", "-0 for 0", "floating point zero", "content"),
    as_owner("changed-large-object", "bytes of a large object", "large object", "large_objects"),
    as_owner("lost-large-object", "a large object, removed", "large object", "large_objects"),
    as_owner("emptied-view", "a materialized view, empty", "materialized view", "views"),
    as_superuser("orphan", "a row without its parent", "foreign key with rows", "orphans"),
    as_superuser("duplicate-key", "a key that is there twice", "table with one key", "counts"),
)
