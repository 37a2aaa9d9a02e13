-- How many rows does a table have? Needs SELECT on it.
SELECT count(*) FROM ONLY {{ table|ident }}
