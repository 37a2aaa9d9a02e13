-- Can the first row of each table be read? Needs SELECT on the tables.
{% for table in tables %}
(SELECT 1 FROM {{ table.name|ident }} LIMIT 1)
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %}
