-- Which answers count as evaluated, and nobody evaluated them?
-- Needs SELECT on task_responses and evaluations.
SELECT format('answer %s', r.id), format('of user %s', r.user_id)
  FROM task_responses r
 WHERE r.status = 'evaluated'
   AND NOT EXISTS (SELECT FROM evaluations e WHERE e.task_response_id = r.id)
 ORDER BY 1
