"""Objections to statements of a SQL file: what they are about, and how to do without."""

import pytest

from ops.backups.judge import MOST_OBJECTIONS
from ops.backups.script import Allowed
from ops.backups.statements import Reader
from tests.unit.backups.test_script import OWN, read_statements

# The file makes things that are called as things of others are.
NAMESAKES = (
    "CREATE SCHEMA t",
    "CREATE FUNCTION public.users() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION public.touch(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE public.app_database (id int)",
    "CREATE TABLE public.audit (id int)",
    "SELECT pg_catalog.lo_create('77')",
    "CREATE SCHEMA IF NOT EXISTS there",
    'CREATE SEQUENCE public."ü"',
    'CREATE TABLE public."ünder" (id int)',
)
TAKEN_FOR_NAMESAKES = (
    "ALTER TABLE public.users DISABLE ROW LEVEL SECURITY",
    "CREATE TRIGGER t BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION s.f()",
    "GRANT SELECT ON TABLE public.users TO known",
    "COMMENT ON TABLE public.users IS 'x'",
    "CREATE OR REPLACE FUNCTION public.touch() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "CREATE OR REPLACE FUNCTION public.touch(text) RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "ALTER FUNCTION public.touch(text) OWNER TO known",
    "ALTER FUNCTION public.touch OWNER TO known",
    "GRANT ALL ON FUNCTION public.touch(text) TO known",
    "GRANT ALL ON DATABASE app_database TO known",
    "COMMENT ON DATABASE app_database IS 'x'",
    "ALTER DATABASE app_database OWNER TO known",
    "GRANT ALL ON TABLE audit.log TO known",
    "COMMENT ON COLUMN audit.log.id IS 'x'",
    'GRANT ALL ON SCHEMA "77" TO known',
    "SELECT pg_catalog.setval('public.Ü', 1)",
    "INSERT INTO public.Ünder VALUES (1)",
    "ALTER SCHEMA there OWNER TO known",
    "GRANT ALL ON SCHEMA there TO known",
    "ALTER LANGUAGE users OWNER TO known",
    "COMMENT ON CAST (text AS int) IS 'x'",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA there GRANT SELECT ON TABLES TO known",
)


@pytest.mark.parametrize("text", TAKEN_FOR_NAMESAKES)
def test_namesakes_are_told_from_what_the_file_makes(text: str) -> None:
    objections = read_statements(*NAMESAKES, text).objections
    assert {it.line for it in objections} == {len(OWN) + len(NAMESAKES) + 1}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("ALTER TABLE s.a OWNER TO x", "--no-owner --no-acl"),
        ("GRANT SELECT ON s.a TO x", "--no-owner --no-acl"),
        ("CREATE EXTENSION dblink", "have the extension installed first"),
        ("COMMENT ON EXTENSION dblink IS 'x'", "--no-comments"),
        ("CREATE PUBLICATION p FOR ALL TABLES", "--no-publications"),
        ("CREATE SUBSCRIPTION x CONNECTION '' PUBLICATION y", "--no-subscriptions"),
        ("SECURITY LABEL ON TABLE s.a IS 'x'", "--no-security-labels"),
        ("SET transaction_timeout = 0", "server's version of pg_dump"),
    ],
)
def test_an_objection_says_how_to_make_a_file_without(text: str, remedy: str) -> None:
    (objection,) = read_statements(text).objections
    assert remedy in objection.remedy


def test_a_transaction_that_nothing_ends_is_an_objection() -> None:
    reader = Reader()
    for line, text in enumerate(("BEGIN", "COMMIT", "BEGIN"), 1):
        reader.take(text, line)
    reader.end()
    assert [it.line for it in reader.script.objections] == [3]


def test_many_allowed_statements_hide_nothing() -> None:
    grants = ["GRANT SELECT ON TABLE s.a TO known"] * (MOST_OBJECTIONS + 5)
    assert len(read_statements(*grants, "DELETE FROM users").objections) == 1


def test_a_new_database_has_nothing_of_others() -> None:
    texts = (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO known",
        "GRANT CREATE ON SCHEMA public TO known",
        "CREATE VIEW s.x AS SELECT * FROM pg_stat_activity",
        "CREATE FUNCTION s.h() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    )
    reader = Reader(Allowed({"known"}, is_new=True))
    for line, text in enumerate((*OWN, *texts), 1):
        reader.take(text, line)
    assert reader.script.objections == []


def test_unqualified_names_are_of_postgresql_where_there_is_no_schema_to_look_in() -> None:
    view = "CREATE VIEW s.w AS SELECT * FROM pg_class"
    assert read_statements(view).objections == []
    assert read_statements("SET search_path = s", view).objections != []
