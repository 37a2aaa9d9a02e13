-- Makes one of everything that a fault can spoil, on the rehearsal source of a self-test, which is
-- a clone and goes at its end. Rows that a workload changes lie in a schema of their own.
-- Needs CREATE on the database, and CREATEROLE.
CREATE SCHEMA drill_selftest;
CREATE ROLE drill_selftest_group;
CREATE ROLE drill_selftest_member IN ROLE drill_selftest_group;
CREATE ROLE drill_selftest_owner;
CREATE ROLE drill_selftest_unused;
ALTER ROLE drill_selftest_member SET statement_timeout = '10s';
GRANT drill_selftest_owner TO {{ owner|ident }};
GRANT USAGE, CREATE ON SCHEMA drill_selftest TO drill_selftest_owner;
ALTER DEFAULT PRIVILEGES IN SCHEMA drill_selftest GRANT SELECT ON TABLES TO drill_selftest_group;

CREATE TYPE drill_selftest.mood AS ENUM ('low', 'high');
CREATE TABLE drill_selftest.subject (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label varchar(40) NOT NULL,
    amount numeric NOT NULL,
    price numeric(12, 2) NOT NULL,
    ratio double precision NOT NULL DEFAULT 0,
    raw json NOT NULL,
    facts jsonb NOT NULL,
    mood drill_selftest.mood NOT NULL DEFAULT 'low',
    seen timestamptz NOT NULL,
    note text,
    CONSTRAINT subject_price_check CHECK (price >= 0)
);
CREATE TABLE drill_selftest.part (
    id serial PRIMARY KEY,
    subject_id bigint NOT NULL REFERENCES drill_selftest.subject (id),
    size integer NOT NULL
);
CREATE INDEX part_subject_id_idx ON drill_selftest.part (subject_id);
CREATE STATISTICS drill_selftest.part_statistics ON subject_id, size FROM drill_selftest.part;
CREATE TABLE drill_selftest.reading (day date NOT NULL, value integer NOT NULL);
CREATE TABLE drill_selftest.single (x integer);
CREATE TABLE drill_selftest.measured (day date NOT NULL, value integer NOT NULL)
    PARTITION BY RANGE (day);
CREATE TABLE drill_selftest.measured_old PARTITION OF drill_selftest.measured
    FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE drill_selftest.guarded (id integer, who text);
ALTER TABLE drill_selftest.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON drill_selftest.guarded USING (who = current_user);
CREATE VIEW drill_selftest.cheap AS SELECT id, label FROM drill_selftest.subject WHERE price < 10;
CREATE MATERIALIZED VIEW drill_selftest.total AS
    SELECT subject_id, sum(size) FROM drill_selftest.part GROUP BY 1;
CREATE FUNCTION drill_selftest.touch() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.note := ''touched''; RETURN NEW; END';
CREATE TRIGGER subject_touch BEFORE INSERT ON drill_selftest.subject
    FOR EACH ROW EXECUTE FUNCTION drill_selftest.touch();
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA drill_selftest;
CREATE PUBLICATION drill_selftest_publication FOR TABLE drill_selftest.subject;
COMMENT ON TABLE drill_selftest.subject IS 'spoiled on purpose';
GRANT SELECT ON drill_selftest.subject TO drill_selftest_group;

INSERT INTO drill_selftest.subject (label, amount, price, raw, facts, seen)
SELECT 'subject ' || n, n * 1.50, n, '{"a": 1.0}', jsonb_build_object('n', n),
       timestamptz '2026-01-01 00:00:00+00' + n * interval '1 minute'
  FROM generate_series(1, 2000) n;
INSERT INTO drill_selftest.part (subject_id, size)
SELECT 1 + n % 2000, n FROM generate_series(1, 3000) n;
INSERT INTO drill_selftest.reading
SELECT date '2025-01-01' + n % 300, n FROM generate_series(1, 5000) n;
INSERT INTO drill_selftest.single VALUES (1);
INSERT INTO drill_selftest.measured SELECT * FROM drill_selftest.reading;
INSERT INTO drill_selftest.guarded VALUES (1, 'nobody');
REFRESH MATERIALIZED VIEW drill_selftest.total;
SELECT lo_from_bytea(0, convert_to(repeat('a large object ', 1000), 'UTF8'));

CREATE SCHEMA drill_workload;
CREATE TABLE drill_workload.busy (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changes bigint NOT NULL DEFAULT 0,
    filler text NOT NULL
);
INSERT INTO drill_workload.busy (filler)
SELECT repeat('x', 200) FROM generate_series(1, 5000);
ANALYZE;
