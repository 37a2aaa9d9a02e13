-- Which of the tables that sample data fills hold rows already? Needs SELECT on them.
SELECT name
  FROM (SELECT 'users' AS name, EXISTS (SELECT FROM users) AS occupied
        UNION ALL SELECT 'user_preferences', EXISTS (SELECT FROM user_preferences)
        UNION ALL SELECT 'programs', EXISTS (SELECT FROM programs)
        UNION ALL SELECT 'tasks', EXISTS (SELECT FROM tasks)
        UNION ALL SELECT 'user_learning_paths', EXISTS (SELECT FROM user_learning_paths)
        UNION ALL SELECT 'task_responses', EXISTS (SELECT FROM task_responses)
        UNION ALL SELECT 'evaluations', EXISTS (SELECT FROM evaluations)) AS tables
 WHERE occupied
