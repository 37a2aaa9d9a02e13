-- Failover drills write here, without a pause, while the instance fails over. A write that may
-- have come in before the connection was lost is tried again under the same key: so none is
-- counted twice, and none that was acknowledged can be missing unseen.

-- migrate:up phase:expand
CREATE TABLE ops.failover_write (
    drill text NOT NULL,
    writer smallint NOT NULL,
    number integer NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (drill, writer, number)
);

COMMENT ON TABLE ops.failover_write IS 'Writes of failover drills; empty while none is under way.';

-- migrate:down
DROP TABLE ops.failover_write;
