-- Changes one value of one row. Needs SELECT and UPDATE on the table.
UPDATE {{ table|ident }}
   SET {{ column|ident }} = {% if category == 'S' %}{{ column|ident }} || 'x'
       {%- elif category == 'N' %}{{ column|ident }} + 1
       {%- elif category == 'B' %}NOT {{ column|ident }}
       {%- else %}{{ column|ident }} + interval '1 day'{% endif %}
 WHERE ctid = (SELECT ctid FROM {{ table|ident }} WHERE {{ column|ident }} IS NOT NULL LIMIT 1)
