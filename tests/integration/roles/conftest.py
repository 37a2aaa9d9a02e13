"""A stack with three IAM users, deployed and migrated, its roles applied; and who tries them."""

import asyncio
import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from google.cloud.sql.connector import Connector

from infra.deploy.apply import deploy
from infra.settings import IamUser, load
from ops import programs
from ops.checks.result import State
from ops.console import Console, Format, Silent
from ops.db import Budget, Database, LibpqPasswords, QueryFailedError, statement
from ops.invocation import Invocation
from ops.migrations import files, runner
from ops.migrations.change import connector as migrations
from ops.roles.apply import Request, apply, status
from ops.roles.report import Applied
from ops.target import Target
from tests.integration.local.connecting import Login, loop_on_a_thread
from tests.integration.local.server import Json
from tests.places import local_cloud

FREELY = Budget(statement_s=10, lock_s=2, read_only=False)
ADA = IamUser("ada@example.com", "readonly")
EVE = IamUser("eve@example.com", "owner")
ROBOT = IamUser("robot@p.iam.gserviceaccount.com", "app")
APPLY = Request()
PRUNE = replace(APPLY, prune=True, yes=True)
Run = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    if (major := programs.find(15, stand_in=True).major) > 15:
        pytest.skip(f"PostgreSQL {major} lets CREATEROLE alone change no roles of others")
    with local_cloud("asdb") as server:
        yield server.data


def invocation(target: Target) -> Invocation:
    return Invocation(target, Console(Format.TABLE, io.StringIO(), io.StringIO()))


def with_iam(target: Target, *people: IamUser) -> Target:
    return replace(target, settings=replace(target.settings, iam_users=people))


@pytest.fixture(scope="module")
def target(folder: Path) -> Target:
    """The stack with three IAM users, deployed, migrated, and with its roles applied."""
    made = with_iam(Target("local", load("local"), folder / "ops", folder), ADA, EVE, ROBOT)
    assert deploy(made, Silent()).state is State.OK
    run = invocation(made)
    before = status(run)
    assert before.state is State.FINDING
    assert "cloudsqlsuperuser" in {
        c.objects[0][0] for c in before.difference.changes if c.objects[0]
    }
    runner.up(migrations(run), files.read(), progress=Silent())
    done = apply(run, APPLY)
    assert isinstance(done, Applied)
    assert (done.state, done.left.extra) == (State.OK, ())
    return made


@pytest.fixture
def run(target: Target) -> Iterator[Invocation]:
    """The stack's invocation; each test leaves the roles as they are declared."""
    yield invocation(target)
    apply(invocation(target), PRUNE)
    assert status(invocation(target)).state is State.OK


@pytest.fixture
def sent(run: Invocation) -> Run:
    """Run one statement as a user; return its rows."""

    def send(user: str, text: str) -> list[tuple[object, ...]]:
        with run.database().connect(user, budget=FREELY) as connection:
            cursor = connection.execute(statement(text))
            return cursor.fetchall() if cursor.description else []

    return send


@pytest.fixture
def superuser(target: Target) -> Run:
    """Run one statement as the instance's superuser, who needs no right to connect."""
    local = target.server().instance(target.instance)
    assert local is not None
    database = Database(str(local.socket), local.port, "postgres", LibpqPasswords())

    def send(name: str, text: str) -> list[tuple[object, ...]]:
        with database.named(name).connect("cloudsqladmin", budget=FREELY) as connection:
            cursor = connection.execute(statement(text))
            return cursor.fetchall() if cursor.description else []

    return send


@pytest.fixture
def refused(sent: Run) -> Callable[[str, str], None]:
    def check(user: str, text: str) -> None:
        with pytest.raises(QueryFailedError, match="42501"):  # insufficient_privilege
            sent(user, text)

    return check


@pytest.fixture
def as_iam(run: Invocation) -> Callable[[str, str], list[Json]]:
    """Run statements as an IAM user, through the connector with its token; return the last rows."""

    def send(user: str, *texts: str) -> list[Json]:
        instance = run.cloud.instance(run.target.instance)

        async def make() -> Connector:
            return Connector(
                loop=loop,
                sqladmin_api_endpoint=run.target.server().url,
                credentials=Login("any"),  # type: ignore[no-untyped-call]  # google-auth is untyped
                refresh_strategy="LAZY",
                enable_iam_auth=True,
            )

        with loop_on_a_thread() as loop:
            made = asyncio.run_coroutine_threadsafe(make(), loop).result()
            with (
                made as cloud,
                contextlib.closing(
                    cloud.connect(instance.connection_name, "psycopg", user=user, db="ai_square")
                ) as connection,
            ):
                cursor = connection.cursor()
                for text in texts:
                    cursor.execute(text)
                rows = cursor.fetchall() if cursor.description else []
                connection.commit()
                return list(rows)

    return send
