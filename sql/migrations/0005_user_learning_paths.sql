-- migrate:up phase:expand
CREATE TABLE user_learning_paths (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    program_id bigint NOT NULL REFERENCES programs (id) ON DELETE RESTRICT,
    current_task_id bigint REFERENCES tasks (id) ON DELETE SET NULL,
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'paused', 'completed', 'abandoned')),
    progress numeric(5, 4) NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, program_id),
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    CHECK (completed_at >= started_at)
);

CREATE INDEX user_learning_paths_program_id_idx ON user_learning_paths (program_id);
CREATE INDEX user_learning_paths_current_task_id_idx ON user_learning_paths (current_task_id);

CREATE TRIGGER user_learning_paths_set_updated_at BEFORE UPDATE ON user_learning_paths
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- migrate:down
DROP TABLE user_learning_paths;
