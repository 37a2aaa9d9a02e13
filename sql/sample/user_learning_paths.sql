-- Fills user_learning_paths: popular programs and eager users have most. Needs INSERT, SELECT on users, programs, tasks.
-- Three times as many pairs are drawn as are kept, since a pair is kept once.
WITH drawn AS (
    SELECT 1 + floor(users.count * pg_temp.chance(n, 16) ^ 1.5)::bigint AS user_id,
           1 + floor(programs.count * pg_temp.chance(n, 17) ^ 3)::bigint AS program_id,
           min(n) AS n
      FROM generate_series(1, 3 * %(rows)s::bigint) AS n,
           (SELECT count(*) AS count FROM users) AS users,
           (SELECT count(*) AS count FROM programs) AS programs
     GROUP BY 1, 2
     ORDER BY 3
     LIMIT %(rows)s
), going AS (
    SELECT row_number() OVER (ORDER BY n) AS id, n, user_id, program_id,
           CASE WHEN pg_temp.chance(n, 18) < 0.25 THEN 1
                ELSE round(pg_temp.chance(n, 19)::numeric * 0.99, 4) END AS progress,
           timestamptz '2025-01-01 00:00Z'
               + interval '300 days' * pg_temp.chance(n, 20) AS started
      FROM drawn
), sizes AS (
    SELECT program_id, count(*) AS size FROM tasks GROUP BY program_id
)
INSERT INTO user_learning_paths (id, user_id, program_id, current_task_id, status, progress,
                                 started_at, completed_at, created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT going.id, going.user_id, going.program_id, tasks.id,
       CASE WHEN progress = 1 THEN 'completed'
            WHEN pg_temp.chance(n, 21) < 0.70 THEN 'active'
            WHEN pg_temp.chance(n, 21) < 0.85 THEN 'paused' ELSE 'abandoned' END,
       progress,
       started,
       CASE WHEN progress = 1 THEN started + interval '60 days' * pg_temp.chance(n, 22) END,
       started,
       started
  FROM going
  JOIN sizes ON sizes.program_id = going.program_id
  LEFT JOIN tasks ON progress < 1
                 AND tasks.program_id = going.program_id
                 AND tasks.position = (1 + floor(progress * sizes.size))::integer
 ORDER BY going.id
