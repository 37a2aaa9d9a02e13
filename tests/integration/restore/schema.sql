-- A small application: every kind of object that a restore could lose.
CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE ops.schema_migrations (
    version text PRIMARY KEY,
    name text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms bigint NOT NULL DEFAULT 0
);
CREATE TABLE ops.schema_migration_steps (
    version text NOT NULL, direction text NOT NULL DEFAULT 'up', step integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(), finished_at timestamptz
);
INSERT INTO ops.schema_migrations (version, name) VALUES ('0001', 'first'), ('0002', 'second');
CREATE TABLE ops.drill_heartbeat (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drill text NOT NULL,
    label text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO ops.drill_heartbeat (drill, label) VALUES ('none', 'made with the table');

CREATE TYPE mood AS ENUM ('low', 'high');
CREATE DOMAIN cents AS bigint CHECK (value >= 0);
CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    balance cents NOT NULL DEFAULT 0,
    ratio numeric NOT NULL,
    facts jsonb NOT NULL,
    raw json,
    place point,
    bits bit(3),
    feeling mood NOT NULL,
    doubled bigint GENERATED ALWAYS AS (balance * 2) STORED,
    note text
);
CREATE TABLE "odd.name ""table" (id int PRIMARY KEY, t text);
CREATE TABLE entry (
    id serial,
    account_id bigint NOT NULL REFERENCES account (id),
    day date NOT NULL,
    amount numeric(12, 2) NOT NULL,
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE entry_old PARTITION OF entry FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
CREATE TABLE entry_new PARTITION OF entry FOR VALUES FROM ('2025-01-01') TO ('2030-01-01');
CREATE INDEX entry_account_idx ON entry (account_id);
CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL);
CREATE UNLOGGED TABLE scratch (x int);
CREATE MATERIALIZED VIEW total AS SELECT account_id, sum(amount) FROM entry GROUP BY 1;
CREATE VIEW rich AS SELECT id FROM account WHERE balance > 100;
CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.note := 'changed'; RETURN NEW; END $$;
CREATE TRIGGER account_note BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION note_it();
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON event USING (true);
COMMENT ON TABLE account IS 'who pays';

INSERT INTO account (email, balance, ratio, facts, raw, place, bits, feeling)
SELECT 'a' || n || '@example.org', n, n / 7.0, jsonb_build_object('n', n), '{"a": 1.0}',
       point(n, n), B'101', 'high'
  FROM generate_series(1, 3000) n;
INSERT INTO entry (account_id, day, amount)
SELECT 1 + n % 3000, date '2024-01-01' + n % 700, n / 100.0 FROM generate_series(1, 9000) n;
INSERT INTO event (what) SELECT repeat('x', 60) FROM generate_series(1, 20000);
INSERT INTO "odd.name ""table" VALUES (1, 'one');
REFRESH MATERIALIZED VIEW total;
GRANT SELECT ON account, entry TO ai_square_app;
ANALYZE;
