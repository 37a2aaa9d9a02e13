-- Fills users: mostly learners, one mentor in 40, a handful of admins. Needs INSERT.
INSERT INTO users (id, public_id, email, display_name, role, status, locale,
                   last_seen_at, created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n,
       md5(current_setting('sample.seed') || ':user:' || n)::uuid,
       'user' || n || '@example.com',
       'User ' || n,
       CASE WHEN n <= 5 THEN 'admin' WHEN n %% 40 = 0 THEN 'mentor' ELSE 'learner' END,
       CASE WHEN pg_temp.chance(n, 1) < 0.04 THEN 'suspended'
            WHEN pg_temp.chance(n, 1) < 0.10 THEN 'invited' ELSE 'active' END,
       (ARRAY['en', 'zh-TW', 'ja', 'vi'])[1 + floor(4 * pg_temp.chance(n, 2) ^ 2)::integer],
       made + pg_temp.chance(n, 3) * (timestamptz '2026-01-01 00:00Z' - made),
       made,
       made
  FROM (SELECT n,
               timestamptz '2026-01-01 00:00Z'
                   - interval '2 years' * (1 - (n - 1)::float8 / %(rows)s) AS made
          FROM generate_series(1, %(rows)s::bigint) AS n) AS numbered
