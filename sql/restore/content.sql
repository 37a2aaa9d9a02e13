-- How many rows does a table have, and what is the sum of their hashes: over all of it, or over
-- stretches of pages (then with the transaction that wrote each row, so that a change that is
-- taken back is seen too)? Needs SELECT on the table.
SELECT {% if stretch_pages %}
       ((r.ctid::text::point)[0]::bigint / {{ stretch_pages|literal }})::bigint
       {% else %}0::bigint{% endif %} AS stretch,
       count(*),
       coalesce(sum(hash_record_extended(
           {% if not columns %}r.*{% else %}ROW({% for column in columns %}
           r.{{ [column.name]|ident }}{% if not column.exact %}::text{% endif %}{% if not loop.last %}, {% endif %}
           {% endfor %}){% endif %},
           {% if stretch_pages %}r.xmin::text::bigint{% else %}0{% endif %})::numeric), 0)::text
  FROM ONLY {{ table|ident }} AS r
 GROUP BY 1
