-- How far are the learners who began last? Needs SELECT on users, user_learning_paths, programs, tasks.
SELECT u.public_id, p.slug, l.status, l.progress, t.title
  FROM user_learning_paths l
  JOIN users u ON u.id = l.user_id
  JOIN programs p ON p.id = l.program_id
  LEFT JOIN tasks t ON t.id = l.current_task_id
 ORDER BY l.id DESC
 LIMIT 20
