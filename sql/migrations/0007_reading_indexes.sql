-- For what the application reads most: the queue of answers to evaluate, a learner's latest
-- answers, and the best scores. Built beside the running application.

-- migrate:up phase:expand
CREATE INDEX CONCURRENTLY task_responses_to_evaluate_idx ON task_responses (submitted_at)
    WHERE status = 'submitted';
CREATE INDEX CONCURRENTLY task_responses_latest_idx ON task_responses (user_id, created_at DESC);
CREATE INDEX CONCURRENTLY evaluations_score_idx ON evaluations (score DESC, created_at);

-- migrate:down
DROP INDEX CONCURRENTLY evaluations_score_idx;
DROP INDEX CONCURRENTLY task_responses_latest_idx;
DROP INDEX CONCURRENTLY task_responses_to_evaluate_idx;
