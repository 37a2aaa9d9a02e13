-- How many rows do tables have, and what is the sum of their hashes: over all of a table, or over
-- stretches of pages (then with the transaction that wrote each row, so that a change that is
-- taken back is seen too)? A row's hash is hashed once more: hash_record_extended adds up its
-- columns' hashes, so that in a plain sum two rows could trade a value unseen. Only rows that are
-- older than a transaction count, where a number (modulo 2^32, as xmin is) is given.
-- Needs SELECT on the tables.
{% for table in tables %}
SELECT {{ loop.index0|literal }}::int AS place,
       {% if table.stretch_pages %}
       ((r.ctid::text::point)[0]::bigint / {{ table.stretch_pages|literal }})::bigint
       {% else %}0::bigint{% endif %} AS stretch,
       count(*),
       coalesce(sum(hashtextextended(hash_record_extended(ROW(
           {% for column in table.columns %}
           {% if column.hashed == 'as it is' %}r.{{ [column.name]|ident }}
           {% elif column.hashed == 'as text' %}r.{{ [column.name]|ident }}::text COLLATE "C"
           {% else %}CASE WHEN r.{{ [column.name]|ident }} IS DISTINCT FROM NULL
                          THEN format('%s', r.{{ [column.name]|ident }}) COLLATE "C" END
           {% endif %}{% if not loop.last %},{% endif %}
           {% endfor %}), 0)::text,
           {% if table.stretch_pages %}r.xmin::text::bigint{% else %}0{% endif %})::numeric), 0)::text
  FROM ONLY {{ [table.schema, table.name]|ident }} AS r
       {% if table.older_than %}
 WHERE r.xmin::text::bigint < 3  -- frozen long ago
    OR ({{ table.older_than|literal }}::bigint - r.xmin::text::bigint - 1 + 4294967296) % 4294967296
       < 2147483648
       {% endif %}
 GROUP BY 2
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %}
