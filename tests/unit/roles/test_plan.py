"""The comparison, and the statements that come of it."""

import pytest

from ops.roles.declared import Declared
from ops.roles.facts import GRANTABLE, PUBLIC, Cast, Fact, Found, Kind, Login, Owned
from ops.roles.plan import Action, Change, Difference, compare, grouped
from ops.roles.statements import UnknownWordError, statements

CAST = Cast("d", {"owner": "o"}, (Login("o", "owner", iam=False), Login("a", "app", iam=False)))
READ_T = Fact("a", Kind.TABLE, ("public", "t"), "SELECT")
WRITE_T = Fact("a", Kind.TABLE, ("public", "t"), "INSERT")
READ_U = Fact("a", Kind.TABLE, ("public", "u"), "SELECT")
NO_ROLES = Fact("a", Kind.ATTRIBUTE, (), "CREATEROLE")


def look(
    *there: Fact,
    wanted: tuple[Fact, ...] = (),
    unwanted: tuple[Fact, ...] = (),
    objects: tuple[Owned, ...] = (),
    changeable: tuple[str, ...] = ("a", "o"),
) -> Difference:
    found = Found(("public",), objects, frozenset(there), frozenset(changeable), 15)
    return compare(CAST, Declared(frozenset(wanted), frozenset(unwanted)), found)


def text(change: Change) -> list[str]:
    return [one.as_string(None) for one in statements(change, "o")]


def test_what_is_as_declared_is_no_difference() -> None:
    assert look(READ_T, wanted=(READ_T,), unwanted=(NO_ROLES,)).empty


def test_what_is_missing_is_given_and_what_is_unwanted_taken_first() -> None:
    difference = look(NO_ROLES, wanted=(READ_T,), unwanted=(NO_ROLES,))
    assert [change.action for change in difference.changes] == [Action.TAKE, Action.GIVE]
    assert difference.extra == ()


def test_what_nobody_declared_is_extra_and_taken_only_if_asked() -> None:
    difference = look(READ_T, READ_U, wanted=(READ_T,))
    assert difference.changes == ()
    assert [change.objects for change in difference.extra] == [(("public", "u"),)]
    assert difference.doable(prune=False) == ()
    assert difference.doable(prune=True) == difference.extra


def test_another_value_of_a_setting_is_replaced_and_not_extra() -> None:
    old, new = (Fact("a", Kind.SETTING, ("jit",), word) for word in ("on", "off"))
    difference = look(old, wanted=(new,))
    assert difference.extra == ()
    assert text(*difference.changes) == ['ALTER ROLE "a" SET "jit" = \'off\'']


def test_what_is_not_the_owners_is_told_and_left() -> None:
    theirs = Owned(Kind.TABLE, ("public", "u"), "x")
    difference = look(READ_U, objects=(theirs,))
    assert (difference.foreign, difference.extra) == ((theirs,), ())
    assert not difference.empty


def test_an_owner_may_have_createdb_and_no_settings() -> None:
    assert look(Fact("o", Kind.ATTRIBUTE, (), "CREATEDB")).empty
    assert not look(Fact("o", Kind.SETTING, ("work_mem",), "64MB")).empty
    assert not look(Fact("o", Kind.ATTRIBUTE, (), "BYPASSRLS")).empty


def test_what_the_login_may_not_change_is_barred() -> None:
    difference = look(NO_ROLES, wanted=(READ_T,), unwanted=(NO_ROLES,), changeable=())
    assert [change.kind for change in difference.barred] == [Kind.ATTRIBUTE]
    assert [change.kind for change in difference.doable(prune=True)] == [Kind.TABLE]
    superuser = look(Fact("a", Kind.ATTRIBUTE, (), "SUPERUSER"))
    assert superuser.barred == superuser.extra


def test_equal_words_on_several_objects_are_one_statement() -> None:
    (change,) = grouped(Action.GIVE, [READ_T, READ_U])
    assert text(change) == ['GRANT SELECT ON TABLE "public"."t", "public"."u" TO "a"']
    both = grouped(Action.GIVE, [READ_T, WRITE_T, READ_U])
    assert [change.words for change in both] == [("INSERT", "SELECT"), ("SELECT",)]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (
            Fact('x"; DROP', Kind.SCHEMA, ('a"b',), "USAGE"),
            'REVOKE USAGE ON SCHEMA "a""b" FROM "x""; DROP" CASCADE',
        ),
        (
            Fact("ada@example.com", Kind.MEMBERSHIP, ("o",), ""),
            'REVOKE "o" FROM "ada@example.com"',
        ),
        (
            Fact("a", Kind.COLUMN, ("public", "t", "c"), "UPDATE"),
            'REVOKE UPDATE ("c") ON TABLE "public"."t" FROM "a" CASCADE',
        ),
        (
            Fact(PUBLIC, Kind.ROUTINE, ("public", "f", "x integer, y text"), "EXECUTE"),
            'REVOKE EXECUTE ON ROUTINE "public"."f"(x integer, y text) FROM PUBLIC CASCADE',
        ),
        (
            Fact("a", Kind.DEFAULT, ("s", "tables"), "SELECT"),
            'ALTER DEFAULT PRIVILEGES FOR ROLE "o" IN SCHEMA "s" REVOKE SELECT ON TABLES FROM "a"',
        ),
        (
            Fact(PUBLIC, Kind.DEFAULT, ("", "routines"), "EXECUTE"),
            'ALTER DEFAULT PRIVILEGES FOR ROLE "o" REVOKE EXECUTE ON ROUTINES FROM PUBLIC',
        ),
        (
            Fact("a", Kind.TABLE, ("public", "t"), f"SELECT{GRANTABLE}"),
            'REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."t" FROM "a" CASCADE',
        ),
        (Fact("a", Kind.ATTRIBUTE, (), "CREATEDB"), 'ALTER ROLE "a" NOCREATEDB'),
        (Fact("a", Kind.SETTING, ("work_mem",), "1GB"), 'ALTER ROLE "a" RESET "work_mem"'),
    ],
)
def test_what_is_extra_becomes_a_statement_with_quoted_names(fact: Fact, expected: str) -> None:
    (change,) = grouped(Action.TAKE, [fact])
    assert text(change) == [expected]


def test_who_loses_a_privilege_loses_its_grant_option_with_it() -> None:
    grantable = Fact("a", Kind.TABLE, ("public", "t"), f"SELECT{GRANTABLE}")
    (change,) = grouped(Action.TAKE, [READ_T, grantable])
    assert text(change) == ['REVOKE SELECT ON TABLE "public"."t" FROM "a" CASCADE']


def test_a_word_that_is_no_privilege_is_never_sent() -> None:
    (change,) = grouped(Action.GIVE, [Fact("a", Kind.TABLE, ("public", "t"), "SELECT; DROP")])
    with pytest.raises(UnknownWordError):
        statements(change, "o")
