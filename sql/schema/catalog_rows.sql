-- What do the system catalogs hold, by the transaction that wrote a row last (its 32-bit number), or row
-- by row with what a row is about, of all or of some transactions: how many rows, and the sum of their
-- hashes?
-- Temporary objects are left out. Needs SELECT on the catalogs, which everybody has on those that are
-- listed.
WITH temporary (oid) AS (
    SELECT oid FROM pg_class WHERE relpersistence = 't'
     UNION SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_'
     UNION SELECT oid FROM pg_type WHERE typnamespace IN
                  (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_')
     UNION SELECT d.oid FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid AND c.relpersistence = 't'
     UNION SELECT d.oid FROM pg_constraint d JOIN pg_class c ON c.oid = d.conrelid
                                                            AND c.relpersistence = 't'
)
{% for catalog in catalogs %}
SELECT {{ catalog.name|literal }}, count(*),
       coalesce(sum(hashtextextended((ROW({% for column in catalog.columns %}
           r.{{ [column]|ident }}{% if not loop.last %},{% endif %}{% endfor %})::text) COLLATE "C",
           0)::numeric), 0)::text, r.xmin::text::bigint
       {%- if by_row %},
       concat_ws(' ', NULL{% if catalog.relation %}, nullif(r.{{ [catalog.relation]|ident }}, 0)::regclass{% endif %}
                    {%- if catalog.named %}, r.{{ [catalog.named]|ident }}{% endif %})
       {%- endif %}
  FROM pg_catalog.{{ [catalog.name]|ident }} AS r
 WHERE true{% for column in catalog.numbers %}
   AND r.{{ [column]|ident }} NOT IN (SELECT oid FROM temporary){% endfor %}
{% if by_row %}   AND (%(writers)s::bigint[] IS NULL OR r.xmin::text::bigint = ANY (%(writers)s::bigint[]))
{% endif %}
 GROUP BY {% if by_row %}r.ctid, 4, 5{% else %}4{% endif %}
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %}
