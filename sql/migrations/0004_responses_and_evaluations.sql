-- migrate:up phase:expand
CREATE TABLE task_responses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES tasks (id) ON DELETE RESTRICT,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    attempt integer NOT NULL DEFAULT 1 CHECK (attempt > 0),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'submitted', 'evaluated')),
    answer jsonb NOT NULL DEFAULT '{}',
    duration_s integer CHECK (duration_s >= 0),
    submitted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, task_id, attempt),
    CHECK (status = 'draft' OR submitted_at IS NOT NULL)
);

CREATE INDEX task_responses_task_id_idx ON task_responses (task_id);

CREATE TRIGGER task_responses_set_updated_at BEFORE UPDATE ON task_responses
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE evaluations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_response_id bigint NOT NULL REFERENCES task_responses (id) ON DELETE CASCADE,
    evaluator_id bigint REFERENCES users (id) ON DELETE SET NULL,
    source text NOT NULL CHECK (source IN ('model', 'mentor', 'peer')),
    score numeric(5, 2) NOT NULL CHECK (score BETWEEN 0 AND 100),
    rubric jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(rubric) = 'object'),
    feedback text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- A model has no account; people who evaluate may leave.
    CHECK (source <> 'model' OR evaluator_id IS NULL)
);

CREATE INDEX evaluations_task_response_id_idx ON evaluations (task_response_id);
CREATE INDEX evaluations_evaluator_id_idx ON evaluations (evaluator_id);

CREATE TRIGGER evaluations_set_updated_at BEFORE UPDATE ON evaluations
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- migrate:down
DROP TABLE evaluations;
DROP TABLE task_responses;
