-- Fills task_responses: a fifth of the users writes most of them, to a few tasks. Needs INSERT, SELECT on users, tasks.
WITH drawn AS MATERIALIZED (
    SELECT n,
           1 + floor(tasks.count * pg_temp.chance(n, 26) ^ 2.5)::bigint AS task_id,
           1 + floor(users.count * pg_temp.chance(n, 27) ^ 2.5)::bigint AS user_id,
           CASE WHEN pg_temp.chance(n, 28) < 0.55 THEN 'evaluated'
                WHEN pg_temp.chance(n, 28) < 0.60 THEN 'submitted'
                WHEN n > 0.98 * %(rows)s THEN 'submitted' ELSE 'draft' END AS status,
           timestamptz '2025-01-01 00:00Z'
               + interval '365 days' * ((n - 1)::float8 / %(rows)s) AS made
      FROM generate_series(1, %(rows)s::bigint) AS n,
           (SELECT count(*) AS count FROM users) AS users,
           (SELECT count(*) AS count FROM tasks) AS tasks
)
INSERT INTO task_responses (id, task_id, user_id, attempt, status, answer, duration_s,
                            submitted_at, created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, task_id, user_id,
       row_number() OVER (PARTITION BY user_id, task_id ORDER BY n),
       status,
       jsonb_build_object('text', repeat(md5(n::text), 1 + floor(12 * pg_temp.chance(n, 23) ^ 4)::integer)),
       30 + floor(3600 * pg_temp.chance(n, 24) ^ 3)::integer,
       CASE WHEN status <> 'draft' THEN made + interval '1 hour' * pg_temp.chance(n, 25) END,
       made,
       made
  FROM drawn
 ORDER BY n
