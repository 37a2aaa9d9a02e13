-- Can the first row of a table be read? Needs SELECT on the table.
SELECT 1 FROM {{ table|ident }} LIMIT 1
