-- Gathers the planner's statistics of the filled tables. Needs to own them.
ANALYZE users, user_preferences, programs, tasks, user_learning_paths, task_responses, evaluations
