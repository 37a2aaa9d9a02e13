-- Fills programs; mentors own them, a few of the mentors most. Needs INSERT, SELECT on users.
INSERT INTO programs (id, slug, title, level, status, owner_id, published_at,
                      created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n,
       'program-' || n,
       'Program ' || n,
       (ARRAY['beginner', 'intermediate', 'advanced'])
           [1 + floor(3 * pg_temp.chance(n, 9) ^ 1.5)::integer],
       status,
       (ARRAY(SELECT id FROM users WHERE role <> 'learner' ORDER BY id))
               [1 + floor((SELECT count(*) FROM users WHERE role <> 'learner') * pg_temp.chance(n, 10) ^ 3)::integer],
       CASE WHEN status <> 'draft' THEN made + interval '7 days' END,
       made,
       made
  FROM (SELECT n,
               CASE WHEN pg_temp.chance(n, 11) < 0.80 THEN 'published'
                    WHEN pg_temp.chance(n, 11) < 0.92 THEN 'draft' ELSE 'archived' END AS status,
               timestamptz '2024-01-01 00:00Z'
                   + interval '1 year' * ((n - 1)::float8 / %(rows)s) AS made
          FROM generate_series(1, %(rows)s::bigint) AS n) AS numbered
