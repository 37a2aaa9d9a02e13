-- How many rows refer to a row that is not there, and how many were looked at? Compared as the foreign
-- keys themselves compare. Needs SELECT on both tables of each.
{% for link in links %}
SELECT {{ loop.index0|literal }}::int, count(*),
       count(*) FILTER (WHERE {% for key in link.keys %}r.{{ [key.column]|ident }} IS NOT NULL AND {% endfor %}
                        NOT EXISTS (SELECT FROM {{ link.referenced|ident }} AS p
                                     WHERE {% for key in link.keys %}p.{{ [key.refers_to]|ident }}{% if key.collation %} COLLATE {{ key.collation|ident }}{% endif %}
                                           {{ key.operator|operator }} r.{{ [key.column]|ident }}
                                     {% if not loop.last %}AND {% endif %}{% endfor %}))
  FROM {{ link.table|ident }} AS r
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %}
