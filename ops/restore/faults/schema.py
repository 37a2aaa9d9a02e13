"""Objects of the schema that are lost, or are not what they were."""

from ops.restore.faults.statements import as_owner, as_superuser

FAULTS = (
    as_owner("lost-index", "an index, dropped", "index to drop", "indexes"),
    as_owner("lost-constraint", "a check, dropped", "check constraint", "constraints"),
    as_owner("lost-foreign-key", "a foreign key, dropped", "foreign key", "constraints"),
    as_owner(
        "unvalidated-constraint", "a constraint, NOT VALID", "validated constraint", "constraints"
    ),
    as_superuser(
        "unenforced-key", "a foreign key, not enforced", "foreign key alone", "constraints"
    ),
    as_owner("lost-trigger", "a trigger, dropped", "trigger", "triggers"),
    as_owner("disabled-trigger", "a trigger that does not fire", "trigger", "triggers"),
    as_owner("lost-function", "a function, dropped", "function", "functions"),
    as_owner("changed-function", "a function's body", "function", "functions"),
    as_owner("lost-view", "a view, dropped", "view that nothing needs", "views"),
    as_owner("changed-view", "a view that shows nothing", "view", "views"),
    as_owner("lost-default", "a column's default", "default", "columns"),
    as_owner("lost-not-null", "a column that may be null", "column that may not", "columns"),
    as_owner("changed-type", "a column's type", "integer or varchar column", "columns"),
    as_owner("lost-column", "a column, dropped", "column that nothing needs", "columns"),
    as_owner("lost-comment", "a table's comment", "comment on a table", "comments"),
    as_owner("lost-policy", "a row security policy", "policy", "policies"),
    as_owner("disabled-row-security", "row security, off", "table that has it", "tables"),
    as_owner("unlogged-table", "a table made UNLOGGED", "table that may be", "tables"),
    as_owner("detached-partition", "a partition, detached", "partition", "tables"),
    as_owner("changed-enum", "an enum with one label more", "enum", "types"),
    as_owner("lost-publication", "a publication", "publication", "publications"),
    as_owner("lost-statistics", "extended statistics", "extended statistics", "other_objects"),
    as_owner("lost-extension", "an extension", "extension to drop", "extensions"),
    as_owner("older-extension", "an older extension", "extension with versions", "extensions"),
    as_owner("changed-owner", "a table's owner", "role to give it to", "tables"),
    as_superuser("invalid-index", "an index marked invalid", "index of no key", "indexes"),
    as_superuser("broken-index", "an index that lacks a row", "B-tree index", "amcheck"),
    as_superuser("collation-version", "another C library's order", "database", "settings"),
)
