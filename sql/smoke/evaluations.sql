-- Which answers were evaluated last? Needs SELECT on evaluations, task_responses, tasks and users.
SELECT e.score, t.max_score, t.title, u.public_id
  FROM evaluations e
  JOIN task_responses r ON r.id = e.task_response_id
  JOIN tasks t ON t.id = r.task_id
  JOIN users u ON u.id = r.user_id
 ORDER BY e.id DESC
 LIMIT 20
