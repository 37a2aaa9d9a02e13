"""Random grants, memberships, attributes and owners: the verdict agrees with what roles can do.

What a role can do is tried: a session begins as the role, becomes every role that it can, and
runs a statement of each kind. Each case is one transaction of the superuser, rolled back; every
tenth is committed in a copy of the cluster, where the roles log in with their passwords. A
thousand cases take some minutes: ``ROLES_ATTACK_CASES=1000 pytest -k verdict_agrees
tests/integration/roles``, with ``ROLES_ATTACK_SEED=N`` for others than those of seed 14.
"""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql as psql

from ops.db import CHANGE, Connection, Database, LibpqPasswords, statement
from ops.roles import catalog
from ops.roles.apply import cast_of
from ops.roles.declared import declared
from ops.roles.facts import Cast
from ops.roles.plan import Difference, compare
from ops.target import Target
from tests.integration.roles.logins import Copies

CASES = int(os.environ.get("ROLES_ATTACK_CASES", "20"))
EACH = 10  # of so many cases one is tried by roles that log in, each with its password
SEED = int(os.environ.get("ROLES_ATTACK_SEED", "14"))
OWNER = "ai_square_owner"
ADA, ROBOT = "ada@example.com", "robot@p.iam"
DECLARED = ("ai_square_app", "ai_square_readonly", "ai_square_monitor", ADA, ROBOT)
STRANGERS = ("a1", "a2", "g1", "g2")
ROLES = (*DECLARED, *STRANGERS)
USERS = {ADA: "ai_square_readonly", ROBOT: "ai_square_app"}  # whose rights they have
DETOURS = {"SELECT count(*) FROM public.leak", "SELECT public.definer()"}
TABLES = ("public.users", "ops.drill_heartbeat", "other.secret", "public.names")
COLUMNS = {
    "public.users": "locale",
    "ops.drill_heartbeat": "beat",
    "other.secret": "x",
    "public.names": "email",
}
WORLD = """
    CREATE ROLE a1 LOGIN; CREATE ROLE a2 LOGIN; CREATE ROLE g1; CREATE ROLE g2;
    CREATE SCHEMA other AUTHORIZATION postgres;
    CREATE TABLE other.secret (x int); ALTER TABLE other.secret OWNER TO postgres;
    SET SESSION AUTHORIZATION ai_square_owner;
    CREATE VIEW public.names AS SELECT email FROM users;
    CREATE SEQUENCE public.counter;
    CREATE FUNCTION public.answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
    RESET SESSION AUTHORIZATION;
"""
# Runs each statement in a subtransaction of its own, as whoever the session is, and undoes it.
TRY = """
DO $try$ DECLARE text text; BEGIN
    FOREACH text IN ARRAY {probes}::text[] LOOP
        BEGIN
            EXECUTE text;
            RAISE EXCEPTION 'undo';
        EXCEPTION
            WHEN insufficient_privilege OR undefined_table OR undefined_function THEN NULL;
            WHEN OTHERS THEN RAISE NOTICE '%', text;
        END;
    END LOOP;
END $try$
"""


def probes() -> Iterator[str]:
    for table, column in COLUMNS.items():
        yield f"SELECT count(*) FROM {table}"  # noqa: S608 - names of ours, here and below
        yield f"INSERT INTO {table} ({column}) VALUES (NULL)"  # noqa: S608
        yield f"UPDATE {table} SET {column} = NULL WHERE false"  # noqa: S608
        yield f"DELETE FROM {table} WHERE false"  # noqa: S608
        yield f"COMMENT ON {'VIEW' if table == 'public.names' else 'TABLE'} {table} IS 'mine'"
    yield "TRUNCATE ops.drill_heartbeat"
    yield "TRUNCATE other.secret"
    yield from (f"CREATE TABLE {schema}.made (x int)" for schema in ("public", "ops", "other"))
    yield "CREATE SCHEMA made"
    yield "CREATE TEMPORARY TABLE made (x int)"
    yield "SELECT nextval('public.counter')"
    yield "SELECT setval('public.counter', 7)"
    yield "SELECT public.answer()"
    yield "CREATE ROLE made"
    yield "CREATE ROLE made SUPERUSER"
    yield "SELECT pg_read_file('PG_VERSION')"
    yield "SELECT count(*) FROM pg_authid"
    yield "SELECT count(*) FROM pg_ls_waldir()"
    yield "SELECT count(*) FROM public.leak"
    yield "SELECT public.definer()"


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change by hand.

    Attributes:
        text: Its statement.
        counts: Whether it is a finding even if nobody can do more for now.
    """

    text: str
    counts: bool = False


def grant(dice: random.Random) -> Mutation:
    to = dice.choice([*DECLARED, *STRANGERS, "PUBLIC", "cloudsqliamuser", "pg_monitor"])
    name = to if to == "PUBLIC" else f'"{to}"'
    option = dice.random() < 0.2 and to != "PUBLIC"
    what = dice.choice(
        [
            *(f"{w} ON {t}" for t in TABLES for w in ("SELECT", "INSERT", "UPDATE", "DELETE")),
            *(f"{w} ({c}) ON {t}" for t, c in COLUMNS.items() for w in ("SELECT", "UPDATE")),
            *(f"{w} ON {t}" for t in TABLES for w in ("TRUNCATE", "REFERENCES", "TRIGGER")),
            *(
                f"{w} ON SCHEMA {s}"
                for s in ("public", "ops", "other")
                for w in ("USAGE", "CREATE")
            ),
            *(f"{w} ON DATABASE ai_square" for w in ("CREATE", "TEMPORARY", "CONNECT")),
            *(f"{w} ON SEQUENCE public.counter" for w in ("USAGE", "UPDATE", "SELECT")),
            "EXECUTE ON FUNCTION public.answer()",
            "EXECUTE ON FUNCTION pg_read_file(text)",
            "SELECT ON pg_authid",
            "SET ON PARAMETER log_statement",
            "EXECUTE ON FUNCTION pg_ls_waldir()",
        ]
    )
    # in the application's schemas a grant that nobody declared is a finding, used or not
    return Mutation(f"GRANT {what} TO {name}{' WITH GRANT OPTION' if option else ''}", counts=True)


def idle_grant(dice: random.Random) -> Mutation:
    """Grant what is of no use or declared anyway."""
    to = dice.choice(STRANGERS)
    return Mutation(
        dice.choice(
            [
                f"GRANT SELECT ON other.secret TO {to}",  # its schema is closed
                f"ALTER ROLE {to} CONNECTION LIMIT 3",
                "GRANT SELECT ON public.users TO ai_square_app",
                "GRANT SELECT ON public.users TO ai_square_readonly",
                "GRANT CONNECT ON DATABASE ai_square TO PUBLIC",
                f"ALTER ROLE {to} NOINHERIT",
                f"ALTER ROLE {to} LOGIN",
                "GRANT pg_monitor TO ai_square_monitor",
            ]
        )
    )


def membership(dice: random.Random) -> Mutation:
    group = dice.choice(
        [
            *STRANGERS,
            *DECLARED[:3],
            OWNER,
            "cloudsqlsuperuser",
            "postgres",
            "pg_read_all_data",
            "pg_write_all_data",
            "pg_monitor",
            "pg_signal_backend",
            "cloudsqliamuser",
        ]
    )
    member = dice.choice([*STRANGERS, *DECLARED, "cloudsqliamuser", "pg_monitor"])
    option = " WITH ADMIN OPTION" if dice.random() < 0.15 else ""
    powerful = group in {"pg_monitor", "pg_signal_backend"} or option != ""
    system = member in {"cloudsqliamuser", "pg_monitor"} and group != "cloudsqliamuser"
    counts = powerful or system or member in DECLARED or group in DECLARED
    return Mutation(f'GRANT "{group}" TO "{member}"{option}', counts=counts)


def attribute(dice: random.Random) -> Mutation:
    role = dice.choice([*DECLARED, *STRANGERS, "cloudsqliamuser", "postgres"])
    word = dice.choice(["CREATEROLE", "CREATEDB", "BYPASSRLS", "REPLICATION", "SUPERUSER"])
    return Mutation(f'ALTER ROLE "{role}" {word}', counts=True)


def ownership(dice: random.Random) -> Mutation:
    to = dice.choice([*DECLARED, *STRANGERS])
    what = dice.choice(
        [
            "TABLE public.users",
            "SEQUENCE public.counter",
            "FUNCTION public.answer()",
            "SCHEMA other",
            "TABLE other.secret",
            "VIEW public.names",
        ]
    )
    return Mutation(f'ALTER {what} OWNER TO "{to}"', counts=True)


def detour(dice: random.Random) -> Mutation:
    """Lead somewhere else with the owner's rights."""
    to = dice.choice([*DECLARED, *STRANGERS])
    as_owner = f"SET SESSION AUTHORIZATION {OWNER}; {{}}; RESET SESSION AUTHORIZATION"
    definer = "CREATE FUNCTION public.definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER "
    body = "AS 'SELECT count(*) FROM ops.drill_heartbeat'"
    text = dice.choice(
        (
            "CREATE VIEW public.leak AS SELECT * FROM ops.drill_heartbeat",
            f'CREATE VIEW ops.leak AS TABLE public.users; GRANT SELECT ON ops.leak TO "{to}"',
            f"{definer} SET search_path = pg_catalog {body}",
            f"{definer} {body}; REVOKE EXECUTE ON FUNCTION public.definer() FROM ai_square_app",
            "CREATE RULE r AS ON INSERT TO public.users DO ALSO DELETE FROM ops.drill_heartbeat",
            f'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{to}"',
            "ALTER TABLE public.users ENABLE ROW LEVEL SECURITY",
        )
    )
    return Mutation(as_owner.format(text), counts=True)


def loss(dice: random.Random) -> Mutation:
    return Mutation(
        dice.choice(
            [
                "REVOKE SELECT ON public.users FROM ai_square_app",
                "REVOKE USAGE ON SCHEMA ops FROM ai_square_readonly",
                f'REVOKE ai_square_readonly FROM "{ADA}"',
                "REVOKE pg_monitor FROM ai_square_monitor",
            ]
        ),
        counts=True,
    )


SORTS: Sequence[tuple[Callable[[random.Random], Mutation], int]] = (
    (grant, 5),
    (idle_grant, 5),
    (membership, 6),
    (attribute, 2),
    (ownership, 2),
    (detour, 2),
    (loss, 1),
)


def case(dice: random.Random) -> list[Mutation]:
    makers = [maker for maker, weight in SORTS for _ in range(weight)]
    return [dice.choice(makers)(dice) for _ in range(dice.choice([1, 1, 2, 3]))]


@dataclass(frozen=True)
class Stand:
    connection: Connection
    cast: Cast
    notices: list[str]

    def able(self) -> dict[str, frozenset[str]]:
        """Return what each role can do, tried."""
        return {role: frozenset(self.tried(role)) for role in ROLES}

    def tried(self, role: str) -> Iterator[str]:
        ask = "SELECT rolname::text FROM pg_roles WHERE pg_has_role(%s, oid, 'MEMBER')"
        for (name,) in self.connection.execute(ask, [role]).fetchall():
            self.notices.clear()
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(
                    psql.SQL("SET LOCAL SESSION AUTHORIZATION {}").format(psql.Identifier(role))
                )
                if name != role:
                    self.connection.execute(
                        psql.SQL("SET LOCAL ROLE {}").format(psql.Identifier(name))
                    )
                every = psql.Literal(list(probes()))
                self.connection.execute(psql.SQL(TRY).format(probes=every))
            yield from self.notices

    @contextmanager
    def after(self, text: str) -> Iterator[Difference]:
        """Yield the verdict after a superuser's statements; they are undone."""
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(statement(text))
            yield self.judged()

    def judged(self) -> Difference:
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(statement(f"SET LOCAL SESSION AUTHORIZATION {OWNER}"))
            found = catalog.read(self.connection, self.cast)
            return compare(self.cast, declared(self.cast, found), found)


@contextmanager
def standing(target: Target) -> Iterator[Stand]:
    """A superuser in a transaction that holds the world of the cases, and is rolled back."""
    local = target.server().instance(target.instance)
    assert local is not None
    database = Database(str(local.socket), local.port, target.database, LibpqPasswords())
    with database.connect("cloudsqladmin", budget=CHANGE) as connection:
        notices: list[str] = []

        def note(diagnostic: psycopg.errors.Diagnostic) -> None:
            if diagnostic.message_primary in known:
                notices.append(diagnostic.message_primary)

        known = frozenset(probes())
        connection.add_notice_handler(note)
        with connection.transaction(force_rollback=True):
            connection.execute(statement(WORLD))
            yield Stand(connection, cast_of(target), notices)


def wrong(stand: Stand, usual: dict[str, frozenset[str]], mutations: list[Mutation]) -> str:
    """Return what the verdict missed or made up; empty where it agrees."""
    with stand.connection.transaction(force_rollback=True):
        try:
            for mutation in mutations:
                stand.connection.execute(statement(mutation.text))
        except psycopg.Error:
            return ""  # as a membership that goes round in a circle
        return disagreement(usual, stand.able(), stand.judged(), mutations)


def wrong_logged_in(
    copies: Copies, usual: dict[str, frozenset[str]], mutations: list[Mutation]
) -> str:
    """Return the same of those who log in."""
    with copies.world() as world:
        if not world.change(tuple(mutation.text for mutation in mutations)):
            return ""
        told = disagreement(usual, world.able(ROLES), world.judged(), mutations)
        return told and f"logged in: {told}"


def disagreement(
    usual: dict[str, frozenset[str]],
    able: dict[str, frozenset[str]],
    difference: Difference,
    mutations: list[Mutation],
) -> str:
    more = {role: able[role] - usual[role] for role in able if able[role] - usual[role]}
    less = {r: usual[r] - able[r] for r in DECLARED if usual[r] - able[r]}
    bad = not difference.empty
    silent = (more or less) and not bad and not difference.reach.unknown
    alarm = bad and not (more or less) and not any(mutation.counts for mutation in mutations)
    told = {right.role for right in difference.reach.rights}
    told |= {change.role for change in (*difference.extra, *difference.changes)}
    # a right of a system role is told as that role's; readers read ops.drill_heartbeat anyway
    named = {
        role
        for role in more
        if {role, USERS.get(role, role), "PUBLIC", "cloudsqliamuser", "pg_monitor"} & told
        or (USERS.get(role, role) == "ai_square_readonly" and more[role] <= DETOURS)
    }
    unexplained = set() if difference.reach.unknown else more.keys() - named
    if silent or alarm or unexplained:
        texts = "; ".join(mutation.text for mutation in mutations)
        kind = "false good" if silent else "false alarm" if alarm else f"silent on {unexplained}"
        shown = (difference.reach.rights, difference.extra, difference.changes, difference.foreign)
        return f"{kind}: {texts}\n    can: {more}\n    cannot: {less}\n    told: {shown}"
    return ""


def failures(stand: Stand, copies: Copies) -> list[str]:
    """Return the cases in which the verdict does not agree."""
    usual = stand.able()
    with copies.world() as world:
        logged_in = world.able(ROLES)
    assert logged_in == usual  # both ways
    dice = random.Random(SEED)  # noqa: S311 - the cases have to be the same again
    texts = [
        wrong_logged_in(copies, logged_in, case(dice))
        if number % EACH == 0
        else wrong(stand, usual, case(dice))
        for number in range(1, CASES + 1)
    ]
    return [text for text in texts if text]
