-- Which evaluations give more than their task's highest score, or less than nothing?
-- Needs SELECT on evaluations, task_responses and tasks.
SELECT format('evaluation %s', e.id), format('%s of %s', e.score, t.max_score)
  FROM evaluations e
  JOIN task_responses r ON r.id = e.task_response_id
  JOIN tasks t ON t.id = r.task_id
 WHERE e.score NOT BETWEEN 0 AND t.max_score
 ORDER BY 1
