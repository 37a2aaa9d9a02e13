-- Which learning paths belong to nobody, lead through no program, or stand at a task of another one?
-- Needs SELECT on user_learning_paths, users, programs and tasks.
SELECT format('learning path %s', l.id),
       CASE WHEN u.id IS NULL THEN format('there is no user %s', l.user_id)
            WHEN p.id IS NULL THEN format('there is no program %s', l.program_id)
            ELSE format('task %s is not of program %s', l.current_task_id, l.program_id) END
  FROM user_learning_paths l
  LEFT JOIN users u ON u.id = l.user_id
  LEFT JOIN programs p ON p.id = l.program_id
  LEFT JOIN tasks t ON t.id = l.current_task_id
 WHERE u.id IS NULL
    OR p.id IS NULL
    OR (l.current_task_id IS NOT NULL AND t.program_id IS DISTINCT FROM l.program_id)
 ORDER BY 1
