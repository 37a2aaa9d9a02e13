"""What must hold of a restored instance before anybody points an application at it.

The questions are the drill's; here they are asked of an instance that stays.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import psycopg

from ops import durations, sql
from ops.checks import trouble
from ops.checks.ask import Asking
from ops.checks.crew import Crew, Login
from ops.checks.reading import READ
from ops.checks.result import CheckResult, Finding, Level, ObjectId, State
from ops.cloudsql import ApiError, Instance, OperationFailedError
from ops.db import (
    DIAGNOSTIC,
    VERIFY,
    CannotConnectError,
    Connection,
    QueryFailedError,
    statement,
)
from ops.errors import OpsError
from ops.restore.copies import FIRST_ANSWER_LIMIT_S
from ops.restore.proof import objects
from ops.restore.proof.copychecks import STEPS as COPY_STEPS
from ops.restore.proof.copychecks import CopyChecks
from ops.restore.recovery import before, body, when
from ops.restore.recovery.order import Order, Task
from ops.restore.source import Source

_PAUSE_S = 0.1
_DATABASES = "restore/databases"
_SET_ANEW = (
    "The restored roles have the passwords of then. Set the stack's: `gcloud sql users "
    "set-password {user} --instance={instance} --prompt-for-password`."
)


def steps(order: Order) -> int:
    """Return how often ``check`` calls ``advance``."""
    is_new = order.task is not Task.IN_PLACE
    return COPY_STEPS + 3 + is_new + bool(_migration(order))


def _migration(order: Order) -> str:
    """Return the migration that the moment is before; empty where it is another moment."""
    request = order.request
    if request.task is not Task.PITR or not request.to:
        return ""
    return when.parse(request.to, datetime.now(UTC)).migration


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out.

    Attributes:
        results: of every check.
        heartbeat: when the newest recovered heartbeat was written; None where there is none.
        other_databases: of the instance, which no check looks at.
    """

    results: tuple[CheckResult, ...]
    heartbeat: datetime | None = None
    other_databases: tuple[str, ...] = ()


def check(
    source: Source,
    order: Order,
    run: str,
    copy: Instance,
    *,
    amcheck: bool,
    advance: Callable[[], None],
) -> Checked:
    """Ask a restored instance everything it can answer by itself, the cheap questions first.

    Args:
        source: what was restored; where it does not answer, the copy stands for itself.
        order: what was done.
        run: its name.
        copy: the restored instance.
        amcheck: whether to look at every index and page too.
        advance: called once a step.
    """
    asking = _asking(source, order, copy, advance)
    questions = _Restored(source, order, asking)
    if order.task is not Task.IN_PLACE:
        asking.results.append(questions.settings(copy, run))
    heartbeat: datetime | None = None
    others: tuple[str, ...] = ()
    try:
        with _first_connection(asking) as connection:
            asking.results.append(CheckResult("restored", State.OK, 1, 1, f"{copy.name} answers"))
            with suppress(psycopg.Error):  # the checks after it say that the server went away
                names = connection.execute(statement(sql.load(_DATABASES)))
                others = tuple(name for (name,) in names)
            heartbeat = questions.content(connection, pages=amcheck)
    except CannotConnectError as error:
        asking.results.append(CheckResult("restored", State.FINDING, 0, 1, str(error)))
    except QueryFailedError as error:  # it answered before, and does no more
        asking.results.append(trouble.of(error).result("restored"))
    results = tuple(_with_remedy(result, copy, source) for result in asking.results)
    return Checked(results, heartbeat, others)


def _asking(source: Source, order: Order, copy: Instance, advance: Callable[[], None]) -> Asking:
    """Return who asks the instance, beside the source where that is another and answers."""
    crew = Crew(application="restore")
    original: Login | None = None
    if order.task is not Task.IN_PLACE:
        with suppress(OpsError), crew.connect(source.login(DIAGNOSTIC)):
            original = source.login(READ)
    login = Login(source.copy_at(copy.address), source.owner, VERIFY)
    return Asking(crew, login, original, advance=advance)


@dataclass(frozen=True, slots=True)
class _Restored:
    source: Source
    order: Order
    asking: Asking

    @property
    def moment(self) -> datetime | None:
        """Return what the data is as of, by the database's clock."""
        moment = self.order.moment
        if moment is None or self.order.task is Task.PITR:
            return moment
        return self.source.database_time(moment)

    def content(self, connection: Connection, *, pages: bool) -> datetime | None:
        """Note what the instance holds; return when its newest heartbeat was written.

        Args:
            connection: the owner's.
            pages: whether to look at every index and page too.
        """
        asking, reference = self.asking, self._reference()
        listed = CopyChecks(asking, reference, self.source.app)
        listed.connect()
        heartbeat = self._heartbeat(connection)
        asking.note(objects.CHECK, lambda: self._objects(connection))
        listed.cheap(connection, self.moment)
        asking.note("rows", lambda: rows(connection))
        if _migration(self.order):
            asking.note(before.CHECK, lambda: self._before(connection))
        listed.thorough(connection, pages=pages)
        return heartbeat

    def _objects(self, connection: Connection) -> CheckResult:
        if self.asking.original is None:
            words = "there is no source that answers to compare the catalogs with"
            return CheckResult(objects.CHECK, State.NOT_APPLICABLE, 0, 0, words)
        return objects.check(self.asking.crew, self.source, connection)

    def _before(self, connection: Connection) -> CheckResult:
        if self.asking.original is None:
            return before.check(connection, None, _migration(self.order))
        with self.asking.crew.connect(self.asking.original) as original:
            return before.check(connection, original, _migration(self.order))

    def _reference(self) -> Source:
        """Return whose ledger of migrations counts: the copy's own where the source is silent."""
        if self.asking.original is None:
            return replace(self.source, database=self.asking.login.database)
        return self.source

    def _heartbeat(self, connection: Connection) -> datetime | None:
        """Note how old the newest heartbeat is beside the moment; return when it was written."""
        newest: datetime | None = None

        def look() -> CheckResult:
            nonlocal newest
            row = connection.execute(statement(sql.load("restore/heartbeat_table"))).fetchone()
            if not (row and row[0]):
                words = "there is no heartbeat table: what was lost can't be told by it"
                return CheckResult("heartbeat", State.NOT_APPLICABLE, 0, 0, words)
            query = statement(sql.load("restore/heartbeat_newest"))
            row = connection.execute(query, {"until": None}).fetchone()
            if row is None:
                return CheckResult("heartbeat", State.NOT_APPLICABLE, 0, 0, "no heartbeat is there")
            newest = row[1]
            return self._of_heartbeat(row[0], row[1])

        self.asking.note("heartbeat", look)
        return newest

    def _of_heartbeat(self, number: int, written: datetime) -> CheckResult:
        words = f"the newest heartbeat is {number} of {written:%Y-%m-%d %H:%M:%S} UTC"
        moment = self.moment
        if moment is None:
            return CheckResult("heartbeat", State.OK, 1, 1, words)
        if self.order.task is Task.PITR and written > moment:
            words = f"{words}, later than the moment asked for"
            remedy = "This is not the moment asked for. Don't use it; restore again."
            return CheckResult("heartbeat", State.FINDING, 1, 1, words, remedy=remedy)
        if written <= moment:
            earlier = durations.words(moment - written)
            words = f"{words}, {earlier} before the moment that was restored"
        return CheckResult("heartbeat", State.OK, 1, 1, words)

    def settings(self, copy: Instance, run: str) -> CheckResult:
        """Give a new instance what it lacks of the source's settings, and say how that went."""
        cloud, order = self.source.cloud, self.order
        try:
            like = cloud.instance(order.source)
            change = body.lacking(like, copy, run, zonal=order.request.zonal)
            if change:
                cloud.wait(cloud.patch(order.instance, change))
        except (ApiError, OperationFailedError) as error:
            remedy = f"Set them as {order.source} has them, before the application goes there."
            words = f"the settings of {order.source} could not be set: {error}"
            return CheckResult("settings", State.FINDING, 0, 1, words, remedy=remedy)
        finally:
            self.asking.advance()
        keys = ", ".join(sorted(change.get("settings", {})))
        words = f"as {order.source} has them" + (f"; set afterwards: {keys}" if keys else "")
        return CheckResult("settings", State.OK, 1, 1, words)


def rows(connection: Connection) -> CheckResult:
    """Count the rows of every table."""
    tables = connection.execute(statement(sql.load("restore/countable_tables"))).fetchall()
    counts: dict[str, int] = {}
    closed: list[Finding] = []
    for table, readable in tables:
        if not readable:
            schema, name = table
            table_id = ObjectId("table", name, schema)
            closed.append(Finding(table_id, Level.UNKNOWN, "may not be read: grant SELECT"))
            continue
        query = statement(sql.render("restore/count_rows", {"table": table}))
        row = connection.execute(query).fetchone()
        counts[".".join(table)] = row[0] if row else 0
    largest = sorted(counts, key=lambda table: counts[table], reverse=True)[:3]
    listed = ", ".join(f"{name} {counts[name]}" for name in largest)
    words = f"{sum(counts.values())} rows in {len(counts)} tables" + (
        f": {listed}" if listed else ""
    )
    state = State.UNKNOWN if closed else State.OK
    return CheckResult(
        "rows", state, len(counts), len(tables), words, tuple(closed), {"tables": counts}
    )


def _first_connection(asking: Asking) -> AbstractContextManager[Connection]:
    """Return a connection, once the instance lets us in."""
    since = time.monotonic()
    while True:
        try:
            with asking.crew.connect(asking.login):
                return asking.crew.connect(asking.login)
        except CannotConnectError as error:
            late = time.monotonic() - since > FIRST_ANSWER_LIMIT_S
            if late or "authentication" in str(error) or "does not exist" in str(error):
                raise
            time.sleep(_PAUSE_S)


def _with_remedy(result: CheckResult, copy: Instance, source: Source) -> CheckResult:
    """Say what to do where a password is not that of then."""
    if result.state is not State.FINDING or "password authentication" not in result.detail:
        return result
    user = source.app if result.check == "application" else source.owner
    return replace(result, remedy=_SET_ANEW.format(user=user, instance=copy.name))
