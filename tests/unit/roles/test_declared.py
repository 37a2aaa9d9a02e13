"""What the files of sql/roles declare, spread over objects."""

from pathlib import Path

import pytest

from ops import sql
from ops.roles.declared import NotDeclarableError, declared
from ops.roles.facts import PUBLIC, Cast, Fact, Found, Kind, Login, Owned

USERS = {"owner": "o", "app": "a", "readonly": "r", "monitor": "m"}
ADA = "ada.b@example.com"
DEEDS = ("public", *USERS, "iam_user", *(f"login_{role}" for role in USERS))
QUESTIONS = (
    "apply_lock",
    "default_privileges",
    "definers",
    "effective",
    "memberships",
    "objects",
    "other_grants",
    "others_defaults",
    "own",
    "owned",
    "passed_on",
    "privileges",
    "rewritten",
    "roles",
    "routine_types",
    "row_security",
    "schemas",
    "settings",
    "triggers",
    "user_mappings",
)


def cast(*iam: tuple[str, str]) -> Cast:
    logins = [Login(name, role, iam=False) for role, name in USERS.items()]
    return Cast("d", USERS, (*logins, *(Login(name, role, iam=True) for name, role in iam)))


def found(*objects: Owned, schemas: tuple[str, ...] = ("ops", "public")) -> Found:
    return Found(schemas, objects, frozenset(), frozenset(), 15)


def table(name: str, *, owner: str = "o", schema: str = "public") -> Owned:
    return Owned(Kind.TABLE, (schema, name), owner)


def wanted(*objects: Owned, who: Cast | None = None) -> frozenset[Fact]:
    return declared(who or cast(), found(*objects)).wanted


def test_every_file_is_a_declaration_or_a_question() -> None:
    there = {path.stem for path in Path(sql.ROOT, "roles").glob("*.sql")}
    assert there == {*DEEDS, *QUESTIONS}


def test_nothing_is_wanted_and_unwanted() -> None:
    both = declared(cast((ADA, "owner"), ("eve@x.io", "app")), found(table("t")))
    assert both.wanted & both.unwanted == frozenset()


def test_all_tables_means_each_of_the_owners() -> None:
    facts = wanted(table("t"), table("theirs", owner="x"), table("log", schema="ops"))
    on_tables = {(f.role, f.on, f.word) for f in facts if f.kind is Kind.TABLE}
    writes = {("a", ("public", "t"), w) for w in ("SELECT", "INSERT", "UPDATE", "DELETE")}
    reads = {("r", ("public", "t"), "SELECT"), ("r", ("ops", "log"), "SELECT")}
    assert on_tables == writes | reads


def test_the_application_adds_rows_to_the_drills_table_and_reads_none() -> None:
    facts = wanted(table("failover_write", schema="ops"), table("log", schema="ops"))
    of_app = {(f.kind, f.on, f.word) for f in facts if f.role == "a" and f.on[:1] == ("ops",)}
    assert of_app == {
        (Kind.SCHEMA, ("ops",), "USAGE"),
        (Kind.TABLE, ("ops", "failover_write"), "INSERT"),
    }
    theirs = wanted(table("failover_write", schema="ops", owner="x"))
    assert not [f for f in theirs if f.role == "a" and f.on[:1] == ("ops",)]


def test_later_tables_are_covered_by_the_owners_defaults() -> None:
    facts = wanted()
    assert Fact("r", Kind.DEFAULT, ("public", "tables"), "SELECT") in facts
    assert Fact("r", Kind.DEFAULT, ("ops", "tables"), "SELECT") in facts
    assert Fact("a", Kind.DEFAULT, ("public", "tables"), "INSERT") in facts
    assert not [f for f in facts if f.role == "a" and f.on[:1] == ("ops",)]


def test_everybody_loses_temporary_tables_and_routines() -> None:
    routine = Owned(Kind.ROUTINE, ("public", "f", "x integer"), "o")
    unwanted = declared(cast(), found(routine)).unwanted
    assert {f for f in unwanted if f.role == PUBLIC} == {
        Fact(PUBLIC, Kind.DATABASE, ("d",), "CREATE"),
        Fact(PUBLIC, Kind.DATABASE, ("d",), "TEMPORARY"),
        Fact(PUBLIC, Kind.SCHEMA, ("public",), "CREATE"),
        Fact(PUBLIC, Kind.DEFAULT, ("", "routines"), "EXECUTE"),
        Fact(PUBLIC, Kind.ROUTINE, ("public", "f", "x integer"), "EXECUTE"),
    }


@pytest.mark.parametrize("role", ["app", "readonly", "monitor"])
def test_cloudsqlsuperuser_is_the_owners_alone(role: str) -> None:
    both = declared(cast((ADA, role)), found())
    for name in (USERS[role], ADA):
        assert Fact(name, Kind.MEMBERSHIP, ("cloudsqlsuperuser",), "") in both.unwanted
        assert Fact(name, Kind.ATTRIBUTE, (), "CREATEROLE") in both.unwanted
        assert Fact(name, Kind.ATTRIBUTE, (), "CREATEDB") in both.unwanted
    assert Fact("o", Kind.MEMBERSHIP, ("cloudsqlsuperuser",), "") in both.wanted


@pytest.mark.parametrize("role", USERS)
def test_an_iam_user_has_the_rights_of_one_role_and_begins_like_its_user(role: str) -> None:
    facts = wanted(who=cast((ADA, role)))
    groups = {f.on for f in facts if f.role == ADA and f.kind is Kind.MEMBERSHIP}
    assert groups == {(USERS[role],)}
    begins = {(f.on, f.word) for f in facts if f.role == ADA and f.kind is Kind.SETTING}
    if role == "owner":
        assert begins == {(("role",), "o")}
    else:
        user = USERS[role]
        assert begins == {
            (f.on, f.word) for f in facts if f.role == user and f.kind is Kind.SETTING
        }
    assert not [f for f in facts if f.role == ADA and f.kind is Kind.TABLE]


def test_monitoring_sees_statistics_and_no_rows() -> None:
    facts = {f for f in wanted(table("t")) if f.role == "m" and f.kind is not Kind.SETTING}
    assert facts == {
        Fact("m", Kind.DATABASE, ("d",), "CONNECT"),
        Fact("m", Kind.MEMBERSHIP, ("pg_monitor",), ""),
    }


def test_a_routine_that_is_named_is_told_from_all_routines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = (Owned(Kind.ROUTINE, ("public", "f", a), "o") for a in ("x integer", "y text"))
    assert declared(cast(), found(one, two)).named == frozenset()
    text = "GRANT EXECUTE ON ROUTINE public.f(integer) TO a"
    monkeypatch.setattr("ops.roles.declared._texts", lambda *_: [text])
    both = declared(cast(), found(one, two))
    assert both.named == {("a", "public", "f")}
    assert {fact.on for fact in both.wanted} == {one.name, two.name}


def test_a_named_routine_has_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "GRANT EXECUTE ON FUNCTION f(integer) TO a"
    monkeypatch.setattr("ops.roles.declared._texts", lambda *_: [text])
    with pytest.raises(NotDeclarableError, match="without its schema: f"):
        declared(cast(), found())
