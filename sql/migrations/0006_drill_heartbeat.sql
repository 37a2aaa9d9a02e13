-- The restore drill writes here before, at and after its marker: what of it is in a restored
-- copy tells how much was lost. The schema is the one that holds the ledger of migrations, so
-- it is there already, and stays.

-- migrate:up phase:expand
CREATE SCHEMA IF NOT EXISTS ops;

CREATE TABLE ops.drill_heartbeat (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drill text NOT NULL,
    label text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX drill_heartbeat_drill_idx ON ops.drill_heartbeat (drill, written_at);

COMMENT ON TABLE ops.drill_heartbeat IS 'Marks of restore drills; a copy without them lost data.';

-- So that the age of the first backup can be told by a heartbeat too.
INSERT INTO ops.drill_heartbeat (drill, label) VALUES ('none', 'made with the table');

-- migrate:down
DROP TABLE ops.drill_heartbeat;
