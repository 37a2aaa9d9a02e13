-- Fills user_preferences for the users who ever changed a setting. Needs INSERT, SELECT on users.
INSERT INTO user_preferences (user_id, theme, weekly_goal_minutes, notifications,
                              created_at, updated_at)
SELECT id,
       (ARRAY['system', 'dark', 'light'])[1 + floor(3 * pg_temp.chance(id, 4) ^ 2)::integer],
       30 * (1 + floor(10 * pg_temp.chance(id, 5) ^ 3)::integer),
       jsonb_build_object('email', pg_temp.chance(id, 6) < 0.7,
                          'digest', pg_temp.chance(id, 7) < 0.2),
       created_at,
       created_at
  FROM users
 ORDER BY pg_temp.chance(id, 8), id
 LIMIT %(rows)s
