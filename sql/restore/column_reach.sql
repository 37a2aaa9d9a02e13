-- Which is the farthest value of a column in its sequence's direction? Needs SELECT on the table.
SELECT {% if ascending %}max{% else %}min{% endif %}({{ column|ident }})::numeric
  FROM {{ table|ident }}
