-- How many rows does a table have of its own? Needs SELECT on the table.
SELECT count(*) FROM ONLY {{ table|ident }}
