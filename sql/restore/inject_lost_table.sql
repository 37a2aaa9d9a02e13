-- Drops a table with all that hangs on it. Needs to own it.
DROP TABLE {{ table|ident }} CASCADE
