-- Writes one row anew, in another place of its table. Needs DELETE and INSERT.
WITH gone AS (
    DELETE FROM ONLY {{ table|ident }}
     WHERE ctid = (SELECT ctid FROM ONLY {{ table|ident }} LIMIT 1)
    RETURNING *
)
INSERT INTO {{ table|ident }} ({% for c in columns %}{{ [c]|ident }}{% if not loop.last %}, {% endif %}{% endfor %})
OVERRIDING SYSTEM VALUE
SELECT {% for c in columns %}{{ [c]|ident }}{% if not loop.last %}, {% endif %}{% endfor %}

  FROM gone
