-- What do the newest users prefer? Needs SELECT on users and user_preferences.
SELECT u.public_id, u.locale, p.theme, p.weekly_goal_minutes
  FROM users u
  LEFT JOIN user_preferences p ON p.user_id = u.id
 ORDER BY u.id DESC
 LIMIT 20
