-- Puts the sequences behind the rows that came with their own numbers. Needs UPDATE on the sequences.
SELECT setval(pg_get_serial_sequence('users', 'id'), (SELECT max(id) FROM users)),
       setval(pg_get_serial_sequence('programs', 'id'), (SELECT max(id) FROM programs)),
       setval(pg_get_serial_sequence('tasks', 'id'), (SELECT max(id) FROM tasks)),
       setval(pg_get_serial_sequence('user_learning_paths', 'id'),
              (SELECT max(id) FROM user_learning_paths)),
       setval(pg_get_serial_sequence('task_responses', 'id'), (SELECT max(id) FROM task_responses)),
       setval(pg_get_serial_sequence('evaluations', 'id'), (SELECT max(id) FROM evaluations))
