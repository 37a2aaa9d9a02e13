"""Somebody who restores for real: a stack, its instance, and what was said on the way."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from ops import target
from ops.checks.result import State
from ops.cloudsql import CloudSql
from ops.console import Console, Format
from ops.db import CHANGE, Database
from ops.invocation import Invocation
from ops.journal import Journal
from ops.restore import cleanup
from ops.restore.recovery.order import Request
from ops.restore.recovery.perform import Options, restore
from ops.restore.recovery.report import Recovered
from ops.restore.source import Source
from tests.integration.restore.conftest import Site


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody restores: a stack, and what was said on the way."""

    run: Invocation
    source: Source
    said: io.StringIO

    def __call__(self, request: Request, options: Options | None = None) -> Recovered:
        found = restore(self.run, request, options or Options())
        assert isinstance(found, Recovered), found.blocks()
        assert found.state is State.OK, found.blocks()
        return found

    def execute(self, text: str, database: Database | None = None) -> list[tuple[object, ...]]:
        at = database or self.source.database
        with at.connect(self.source.owner, budget=CHANGE) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def fault(self, kind: str, **facts: object) -> None:
        """Put a fault in force, or lift them all with ``clear``."""
        server = self.source.server
        assert server is not None
        if kind == "clear":
            server.ask("DELETE", "faults")
        else:
            server.ask("POST", "faults", {"kind": kind, **facts})

    def remove(self, *names: str) -> None:
        journal = Journal(self.source.store, "test", "clean-up")
        assert cleanup.remove(self.source.cloud, journal, names) == ()
        journal.close()


def desk(site: Site, prepared: Source, name: str = "") -> Desk:
    """Return a desk at the source, or at another instance of its project."""
    stack, name = target.load("local"), name or prepared.instance
    named = replace(stack.settings.instance, name=name)
    settings = replace(stack.settings, instance=named)
    state = site.data / "ops" / "local"
    stack = replace(stack, settings=settings, local=site.data, state=state)
    said = io.StringIO()
    console = Console(Format.JSON, io.StringIO(), said)
    address = prepared.cloud.instance(name).address
    source = replace(prepared, instance=name, database=prepared.database.at(address))
    return Desk(Invocation(stack, console), source, said)


def expire(source: Source, name: str) -> None:
    """Let the lease of a suspended process run out, without the wait."""
    key = f"leases/{name}.json"
    stored = source.store.get(key)
    assert stored is not None
    ended = {**json.loads(stored.content), "until": "2020-01-01T00:00:00+00:00"}
    source.store.put(key, json.dumps(ended).encode())


class Killed(BaseException):
    """Stands for kill -9: nothing that handles errors may see it coming."""


@contextmanager
def killing(method: str, called: str) -> Iterator[None]:
    """Let the process die before or after a call of the Admin API, its answer never noted."""
    original = getattr(CloudSql, method)

    def die(self: CloudSql, *given: object) -> None:
        if called == "after the call":
            original(self, *given)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CloudSql, method, die)
        yield
