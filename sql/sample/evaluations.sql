-- Fills evaluations: one for every evaluated response, some of them have several. Needs INSERT, SELECT on task_responses, users.
WITH evaluated AS (
    SELECT id, submitted_at, row_number() OVER (ORDER BY id) AS place
      FROM task_responses
     WHERE status = 'evaluated'
), drawn AS MATERIALIZED (
    SELECT n,
           CASE WHEN n <= count THEN n
                ELSE 1 + floor(count * pg_temp.chance(n, 29) ^ 2)::bigint END AS place,
           CASE WHEN pg_temp.chance(n, 30) < 0.90 THEN 'model'
                WHEN pg_temp.chance(n, 30) < 0.98 THEN 'mentor' ELSE 'peer' END AS source
      FROM generate_series(1, %(rows)s::bigint) AS n,
           (SELECT count(*) AS count FROM evaluated) AS counted
)
INSERT INTO evaluations (id, task_response_id, evaluator_id, source, score, rubric, feedback,
                         created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, evaluated.id,
       CASE WHEN source <> 'model'
            THEN (ARRAY(SELECT id FROM users WHERE role <> 'learner' ORDER BY id))
               [1 + floor((SELECT count(*) FROM users WHERE role <> 'learner') * pg_temp.chance(n, 31) ^ 3)::integer]
       END,
       source,
       -- The mean of two draws: marks gather around 60.
       round((20 + 40 * (pg_temp.chance(n, 32) + pg_temp.chance(n, 33)))::numeric, 2),
       jsonb_build_object('clarity', 1 + floor(5 * pg_temp.chance(n, 35))::integer,
                          'depth', 1 + floor(5 * pg_temp.chance(n, 36))::integer),
       CASE WHEN source = 'model' THEN '' ELSE 'Feedback ' || md5(n::text) END,
       submitted_at + interval '1 day',
       submitted_at + interval '1 day'
  FROM drawn
  JOIN evaluated USING (place)
 ORDER BY n
