-- Fills tasks: every program has one, a few programs have very many. Needs INSERT, SELECT on programs.
INSERT INTO tasks (id, program_id, position, kind, title, content, created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n,
       program,
       row_number() OVER (PARTITION BY program ORDER BY n),
       (ARRAY['reading', 'quiz', 'code', 'essay', 'dialogue'])
           [1 + floor(5 * pg_temp.chance(n, 12) ^ 1.5)::integer],
       'Task ' || n,
       jsonb_build_object('prompt', repeat(md5(n::text), 1 + floor(20 * pg_temp.chance(n, 13) ^ 4)::integer),
                          'minutes', 5 * (1 + floor(12 * pg_temp.chance(n, 14))::integer)),
       p.created_at,
       p.created_at
  FROM (SELECT n,
               CASE WHEN n <= count THEN n
                    ELSE 1 + floor(count * pg_temp.chance(n, 15) ^ 3)::bigint END AS program
          FROM generate_series(1, %(rows)s::bigint) AS n,
               (SELECT count(*) AS count FROM programs) AS programs) AS chosen
  JOIN programs p ON p.id = chosen.program
 ORDER BY n
