"""What statements of a SQL file may do: make and fill its own objects, and nothing else."""

import pytest

from ops.backups.judge import MOST_OBJECTIONS
from ops.backups.literals import count_rows
from ops.backups.script import Allowed, Extensions, Script
from ops.backups.statements import Reader

OWN = (
    "SET standard_conforming_strings = on",
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "CREATE SCHEMA s",
    "CREATE TABLE s.a (id integer NOT NULL, words text)",
    "CREATE SEQUENCE s.a_id_seq OWNED BY s.a.id",
    "CREATE VIEW s.v AS SELECT 1 AS n",
    "CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "CREATE TYPE s.mood AS ENUM ('fine')",
    "CREATE OPERATOR FAMILY s.family USING btree",
    "CREATE FUNCTION s.many(a int, VARIADIC b text[], OUT n int) LANGUAGE sql AS 'SELECT 1'",
)
ALLOWED = (
    *("SET statement_timeout = 0", "SET client_encoding = 'UTF8'", "BEGIN", "COMMIT"),
    "SELECT pg_catalog.setval('s.a_id_seq', 9, true)",
    "ALTER TABLE ONLY s.a ADD CONSTRAINT a_pkey PRIMARY KEY (id)",
    "ALTER TABLE s.a ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME s.other)",
    "ALTER TABLE s.a ENABLE ROW LEVEL SECURITY",
    "CREATE UNIQUE INDEX a_words ON s.a USING btree (words)",
    "CREATE TRIGGER t BEFORE INSERT ON s.a FOR EACH ROW EXECUTE FUNCTION s.f()",
    "CREATE POLICY p ON s.a USING (true)",
    "CREATE RULE r AS ON DELETE TO s.a DO ALSO (SELECT 1; SELECT 2)",
    "CREATE FUNCTION s.g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "COMMENT ON TABLE s.a IS 'x; DROP TABLE users;'",
    "COMMENT ON COLUMN s.a.words IS 'x'",
    "COMMENT ON FUNCTION s.f() IS 'x'",
    "COMMENT ON TYPE s.mood IS 'x'",
    "CREATE TABLE s.part PARTITION OF s.a FOR VALUES IN (1)",
    "CREATE MATERIALIZED VIEW s.m AS SELECT 1 WITH NO DATA",
    "CREATE PUBLICATION p FOR TABLE s.a, TABLES IN SCHEMA s",
    "CREATE DOMAIN s.short AS text CHECK (VALUE <> ';')",
    "CREATE TYPE s.pair AS (a int, b int)",
    "CREATE TYPE s.span AS RANGE (subtype = integer)",
    "CREATE AGGREGATE s.total(int) (SFUNC = int4pl, STYPE = int)",
    "CREATE OPERATOR s.=== (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)",
    "CREATE COLLATION s.german (provider = icu, locale = 'de')",
    "CREATE STATISTICS s.both ON id, words FROM s.a",
    "CREATE CAST (s.mood AS text) WITH INOUT",
    "CREATE OPERATOR CLASS s.class FOR TYPE int USING btree FAMILY s.family AS STORAGE int",
    "CREATE TEXT SEARCH CONFIGURATION s.words (PARSER = pg_catalog.default)",
    "SELECT pg_catalog.lo_create('77')",
    "ALTER TABLE s.a ALTER COLUMN words SET STORAGE EXTERNAL",
    "ALTER TABLE ONLY s.a REPLICA IDENTITY FULL",
    "ALTER SEQUENCE s.a_id_seq OWNED BY NONE",
    "COMMENT ON SCHEMA s IS 'x'",
    "COMMENT ON SCHEMA public IS 'standard public schema'",
    "INSERT INTO s.a VALUES (1, 'DELETE FROM users; --'), (-2.5e3, NULL)",
    "INSERT INTO s.a (id) OVERRIDING SYSTEM VALUE VALUES (E'\\'; x') ON CONFLICT DO NOTHING",
    "REVOKE ALL ON TABLE s.a FROM PUBLIC",
    "\\restrict abc",
    "\\unrestrict abc",
    "CREATE CONVERSION s.c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "COMMENT ON FUNCTION s.many(a integer, VARIADIC b text[]) IS 'x'",
    "GRANT ALL ON FUNCTION s.many(integer, text[]) TO known",
    "CREATE OR REPLACE FUNCTION s.many(a int, OUT n int, VARIADIC b text[]) AS 'SELECT 1'",
    "COMMENT ON OPERATOR FAMILY s.family USING btree IS 'x'",
    "ALTER DEFAULT PRIVILEGES FOR ROLE known IN SCHEMA s GRANT SELECT ON TABLES TO known",
    "CREATE VIEW s.w AS WITH c AS (SELECT * FROM s.a) SELECT * FROM c, pg_catalog.pg_class",
    "CREATE EXTENSION IF NOT EXISTS trusted WITH SCHEMA s",
    "COMMENT ON EXTENSION trusted IS 'x'",
    "SET search_path = s, pg_catalog",
    "SET client_encoding = 'WIN1252'",
    "ALTER TABLE s.a ADD CONSTRAINT r FOREIGN KEY (id) REFERENCES s.a NOT VALID",
    "CREATE SCHEMA IF NOT EXISTS t",
)
REFUSED = (
    *("DELETE FROM users", "UPDATE users SET email = 'x'", "TRUNCATE users", "DROP TABLE users"),
    *("DELETE FROM s.a", "DROP TABLE s.a", "TRUNCATE s.a"),  # not even of its own: no dump does
    "ALTER TABLE users DISABLE TRIGGER ALL",
    "ALTER TABLE users ADD COLUMN x int",
    "CREATE INDEX i ON users (email)",
    "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION s.f()",
    "CREATE RULE r AS ON INSERT TO users DO INSTEAD NOTHING",
    "CREATE POLICY p ON users USING (true)",
    "INSERT INTO users (email) VALUES ('x')",
    "INSERT INTO s.a SELECT id, email FROM users",
    "INSERT INTO s.a VALUES (evil(), 'x')",
    "INSERT INTO s.a VALUES ((SELECT 1), 'x')",
    "INSERT INTO s.a VALUES (1, 'x') RETURNING evil()",
    "INSERT INTO s.a VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET words = 'x'",
    "WITH gone AS (DELETE FROM users RETURNING 1) INSERT INTO s.a VALUES (1, 'x')",
    "COPY users FROM stdin",
    "COPY s.a FROM PROGRAM 'id'",
    "COPY s.a FROM '/etc/passwd'",
    "COPY s.a TO PROGRAM 'cat'",
    "COPY s.a FROM stdin WITH (FORMAT csv)",
    *("SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "RESET ALL"),
    "SET session_replication_role = replica",
    "SET standard_conforming_strings = off",
    "SET client_encoding = 'SJIS'",
    "SET NAMES 'LATIN1'",
    "SELECT pg_catalog.set_config('role', 'postgres', false)",
    "SELECT pg_catalog.setval('public.users_id_seq', 1, false)",
    "SELECT s.setval('s.a_id_seq', 1)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_catalog.setval('s.a_id_seq', 1), evil()",
    "SELECT pg_catalog.setval('s.a_id_seq', (SELECT evil()))",
    "SELECT pg_catalog.setval('s.a_id_seq', 1, true) FROM users",
    "SELECT pg_catalog.lo_open('5', 131072)",
    *("DO $$ BEGIN DELETE FROM users; END $$", "CALL evil()", "EXECUTE x", "LOCK TABLE users"),
    *("ALTER SYSTEM SET fsync = off", "ALTER DATABASE x SET work_mem = '1GB'", "ROLLBACK"),
    *("ALTER ROLE app SUPERUSER", "CREATE ROLE x", "DROP ROLE app", "GRANT pg_write_all_data TO a"),
    "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION s.f()",
    "CREATE EXTENSION dblink",
    "CREATE SUBSCRIPTION x CONNECTION '' PUBLICATION y",
    "CREATE PUBLICATION p FOR ALL TABLES",
    "CREATE PUBLICATION p FOR TABLE users",
    "CREATE OR REPLACE FUNCTION public.set_updated_at() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE VIEW public.seen AS SELECT 1",
    "CREATE TABLE child (id int) INHERITS (users)",
    "CREATE TABLE s.b AS SELECT * FROM users",
    "CREATE TEMP TABLE t (id int)",
    "ALTER TABLE s.a ATTACH PARTITION users FOR VALUES IN (1)",
    "ALTER SEQUENCE s.a_id_seq OWNED BY users.id",
    "COMMENT ON TABLE users IS 'x'",
    "COMMENT ON DATABASE x IS 'x'",
    "COMMENT ON SCHEMA public IS 'x'",
    "COMMENT ON FUNCTION evil() IS 'x'",
    "COMMENT ON CONSTRAINT x ON users IS 'x'",
    "COMMENT ON PUBLICATION others IS 'x'",
    "ALTER FUNCTION evil() OWNER TO a",
    "ALTER SCHEMA public OWNER TO a",
    "ALTER PUBLICATION others ADD TABLE s.a",
    "ALTER DOMAIN others ADD CHECK (VALUE > 0)",
    "ALTER TYPE others ADD VALUE 'x'",
    "ALTER OPERATOR FAMILY others USING btree ADD OPERATOR 1 <(int, int)",
    "ALTER STATISTICS others SET STATISTICS 5",
    "ALTER TABLE s.a INHERIT users",
    "ALTER TEXT SEARCH CONFIGURATION others ADD MAPPING FOR word WITH simple",
    "CREATE STATISTICS s.both ON id, email FROM users",
    "CREATE CAST (text AS int) WITH INOUT",
    "CREATE SCHEMA x CREATE TABLE y (id int)",
    "CREATE FOREIGN TABLE f (id int) SERVER s",
    "CREATE SERVER s FOREIGN DATA WRAPPER w",
    "SECURITY LABEL ON TABLE users IS 'x'",
    "CREATE OR REPLACE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)",
    "REFRESH MATERIALIZED VIEW others",
    "GRANT SELECT ON TABLE users TO app",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
    "GRANT SELECT ON TABLE s.a TO stranger",
    "GRANT SELECT ON TABLE s.a TO PUBLIC",
    "GRANT SELECT ON TABLE s.a TO app WITH GRANT OPTION",
    "GRANT CREATE ON SCHEMA public TO app",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app",
    "ALTER TABLE s.a OWNER TO stranger",
    *("\\! id", "\\connect other", "\\copy users from x", "\\o |cat", "\\restrict a b"),
    "CREATE FUNCTION s.h() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM users'",
    "CREATE FUNCTION pg_catalog.lower(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OPERATOR pg_catalog.+ (FUNCTION = f, LEFTARG = text, RIGHTARG = text)",
    "CREATE DEFAULT CONVERSION s.c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "CREATE VIEW s.peek AS SELECT * FROM public.users",
    "CREATE RULE r AS ON INSERT TO s.a DO ALSO DELETE FROM public.users",
    "CREATE RULE r AS ON INSERT TO s.a DO ALSO (SELECT 1; INSERT INTO public.users VALUES (1))",
    "CREATE VIEW s.peek AS SELECT 1 WHERE EXISTS (SELECT FROM public.users)",
    "CREATE MATERIALIZED VIEW s.m AS SELECT * FROM public.users WITH NO DATA",
    "CREATE MATERIALIZED VIEW s.m AS SELECT s.f()",
    "SELECT s.f() INTO s.b",
    "SELECT * INTO s.b FROM users",
    *("CREATE TEMP VIEW v AS SELECT 1", "CREATE TEMP SEQUENCE q"),
    "CREATE INDEX IF NOT EXISTS users_pkey ON s.a (id)",
    "CREATE STATISTICS IF NOT EXISTS x ON id, words FROM s.a",
    "ALTER TABLE s.a ADD FOREIGN KEY (id) REFERENCES users",
    "CREATE TABLE s.b (id int REFERENCES users ON DELETE CASCADE)",
    "CREATE TABLE s.b (id int, FOREIGN KEY (id) REFERENCES users)",
    "CREATE TABLE s.b PARTITION OF users DEFAULT",
    "CREATE OPERATOR CLASS s.class FOR TYPE int USING btree FAMILY others AS STORAGE int",
    *("SET search_path = elsewhere, public", "SET search_path TO DEFAULT"),
    *(
        'SET search_path = "$user", public',
        "SET LOCAL search_path = s",
        "SET search_path = pg_temp",
    ),
    "SELECT pg_catalog.set_config('search_path', 'public', true)",
    "SELECT pg_catalog.set_config('search_path', 'elsewhere', false)",
    *("SET client_encoding = 'mskanji'", "SET client_encoding = 'windows932'"),
    *("SET client_encoding = 'S-J-I-S'", "SET client_encoding = UHC", "SET client_encoding = 'x'"),
    "SET LOCAL client_encoding = 'LATIN1'",
    *(
        "SET escape_string_warning TO DEFAULT; SET ROLE x",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    ),
    *("PREPARE TRANSACTION 'x'", "SAVEPOINT x", "ROLLBACK TO x", "PREPARE p AS DELETE FROM users"),
    *("LISTEN x", "NOTIFY x", "VACUUM users", "ANALYZE users", "REINDEX TABLE users", "CHECKPOINT"),
    *("DISCARD ALL", "LOAD 'x'", "CLUSTER users", "REASSIGN OWNED BY a TO b", "DROP OWNED BY a"),
    *("ALTER EXTENSION x UPDATE", "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO s", "FETCH ALL c"),
    "CREATE EXTENSION trusted CASCADE",
    "ALTER ROLE ALL SET search_path = x",
    "ALTER FUNCTION evil() SECURITY DEFINER",
    "ALTER VIEW seen OWNER TO known",
    "ALTER INDEX users_pkey RENAME TO x",
    "CREATE LANGUAGE plperlu",
    "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION f(internal))",
    "CREATE ACCESS METHOD x TYPE INDEX HANDLER h",
    "MERGE INTO users USING s.a ON true WHEN MATCHED THEN DELETE",
    "VALUES (1)",
    "TABLE users",
    "CREATE TABLE s.b (LIKE users INCLUDING ALL)",
    "ALTER TABLE s.a ADD COLUMN other int REFERENCES users",
    "EXPLAIN ANALYZE DELETE FROM users",
    "INSERT INTO s.a SELECT 1, 'x'",
    "INSERT INTO s.a VALUES (nextval('users_id_seq'), 'x')",
    *("SELECT 1 \\gexec", "no SQL", "SELECT 1; DELETE FROM users", "SELECT 1\0"),
)


def read_statements(*statements: str) -> Script:
    reader = Reader(Allowed({"known"}, lambda: Extensions({"trusted"}, {"trusted"}), 15))
    for line, text in enumerate((*OWN, *statements), 1):
        reader.take(text, line)
    return reader.script


@pytest.mark.parametrize("text", ALLOWED)
def test_what_a_dump_does_passes(text: str) -> None:
    assert read_statements(text).objections == []


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_an_objection_with_its_line(text: str) -> None:
    objections = read_statements(text).objections
    assert objections
    assert {it.line for it in objections} == {len(OWN) + 1}
    assert all(it.reason and it.statement for it in objections)


def test_a_transaction_that_a_commit_begins_has_to_end() -> None:
    reader = Reader()
    for line, text in enumerate(("BEGIN", "COMMIT AND CHAIN", "CREATE SCHEMA s"), 1):
        reader.take(text, line)
    reader.end()
    assert [it.line for it in reader.script.objections] == [2]


def test_rows_keys_and_positions_are_noted() -> None:
    acting = ("CREATE TRIGGER", "CREATE RULE")
    script = read_statements(
        *sorted(ALLOWED, key=lambda text: text.startswith(acting)),
        "ALTER OPERATOR FAMILY s.family USING btree ADD OPERATOR 1 <(int, int)",
        "CREATE TABLE s.b (id bigserial PRIMARY KEY)",
        "INSERT INTO s.b VALUES (1), (2)",
        "INSERT INTO s.b VALUES ('{1}'::int[])",
        "INSERT INTO s.b DEFAULT VALUES",
    )
    assert script.objections == []
    assert script.rows == {("s", "a"): 3, ("s", "b"): 4}
    assert script.keyed == {("s", "a"), ("s", "b")}
    assert script.positions == {("s", "a_id_seq"): (9, True)}
    assert ("s", "b_id_seq") in script.sequences
    assert script.constraints == {(("s", "a"), "a_pkey")}
    assert script.indexes == {("s", "a_words")}


TRIGGER = "CREATE TRIGGER t BEFORE INSERT ON s.%s FOR EACH ROW EXECUTE FUNCTION s.f()"
ROWS = "INSERT INTO s.part VALUES (1, 'x')"


@pytest.mark.parametrize(
    "before",
    [
        TRIGGER % "part",
        TRIGGER % "a",  # whose partition gets the trigger too
        "CREATE RULE r AS ON INSERT TO s.part DO ALSO SELECT 1",
        "ALTER TABLE s.part ATTACH PARTITION s.a DEFAULT",  # each a partition of the other
    ],
)
def test_rows_that_run_what_the_file_made_before_them_are_refused(before: str) -> None:
    part = "CREATE TABLE s.part PARTITION OF s.a FOR VALUES IN (1)"
    assert read_statements(part, ROWS, before).objections == []
    refused = read_statements(part, before, ROWS).objections
    if "ATTACH" in before:
        assert refused == []  # and it came to an end
        return
    (objection,) = refused
    assert "its rows run what the file made before them" in objection.reason


def test_objections_without_end_are_counted() -> None:
    script = read_statements(*["DELETE FROM users"] * (MOST_OBJECTIONS + 5))
    assert (len(script.objections), script.more) == (MOST_OBJECTIONS, 5)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("INSERT INTO a VALUES (1)", 1),
        ("insert into \"A b\".c (x, \"y\") values ('a''b', B'1', .5), (TRUE, DEFAULT, -1)", 2),
        ("INSERT INTO a VALUES (1),", None),
        ("INSERT INTO a VALUES (1) x", None),
        ("INSERT INTO a VALUES (now())", None),
        ("INSERT INTO a VALUES ('a' || f())", None),
        ("INSERT INTO a VALUES ('a'')", None),
        ("INSERT INTO a VALUES (E'\\')", None),
        ("INSERT INTO a VALUES (:USER)", None),
        ("INSERT INTO \u212aelvin VALUES (1)", None),
        ("INSERT INTO Ünder VALUES (1)", None),
        ("INSERT INTO a\u00a0VALUES (1)", None),
        ("SELECT 1", None),
    ],
)
def test_only_constants_are_counted_without_a_parser(text: str, rows: int | None) -> None:
    counted = count_rows(text)
    assert (counted and counted[1]) == rows


def test_deep_nesting_ends_nothing() -> None:
    assert read_statements("SELECT " + "(" * 5_000 + "1" + ")" * 5_000).objections
