-- Which is the farthest value of each column in its sequence's direction?
-- Needs SELECT on the tables.
{% for one in fed %}
SELECT {{ loop.index0|literal }}::int,
       {% if one.ascending %}max{% else %}min{% endif %}({{ [one.column]|ident }})::numeric
  FROM {{ one.table|ident }}
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %}
