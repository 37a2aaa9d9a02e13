-- How many rows refer to a row that is not there, and how many were looked at? Compared as the foreign
-- key itself compares. Needs SELECT on both tables.
SELECT count(*),
       count(*) FILTER (WHERE {% for key in keys %}r.{{ [key.column]|ident }} IS NOT NULL AND {% endfor %}
                        NOT EXISTS (SELECT FROM {{ referenced|ident }} AS p
                                     WHERE {% for key in keys %}p.{{ [key.refers_to]|ident }}{% if key.collation %} COLLATE {{ key.collation|ident }}{% endif %}
                                           {{ key.operator|operator }} r.{{ [key.column]|ident }}
                                     {% if not loop.last %}AND {% endif %}{% endfor %}))
  FROM {{ table|ident }} AS r
