"""For whom a drill's writes speak: the application where it may write, else the owner as it.

Whether a commit that was acknowledged outlives a failover is decided by the settings of its
session. So a session of the application is opened and says what it begins with. Where the
application may write into the drill's table, the drill writes as it; else the owner does, with the
application's settings. What the application sets itself, in its connection string or its sessions,
nobody else can see.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ops import sql
from ops.checks.result import CheckResult, State, finding
from ops.db import Budget, Connection, Database, statement
from ops.errors import OpsError

if TYPE_CHECKING:
    from ops.failover.source import Source

COMMIT = "synchronous_commit"
READ_ONLY = "default_transaction_read_only"
# What decides over a commit, and how long a write may take: the owner writes with these.
SETTINGS = (
    COMMIT,
    "default_transaction_isolation",
    "default_transaction_deferrable",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
)
# https://www.postgresql.org/docs/15/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT: with any other
# value a commit is acknowledged before the standby has it on its disk.
_SAFE = frozenset({"on", "remote_apply", "true", "yes", "1"})
# The application's sessions begin as they begin: no limit of ours is put over its own.
AS_ITSELF = Budget(statement_s=None, lock_s=None, read_only=None)


@dataclass(frozen=True, slots=True)
class Writer:
    """As whom a drill writes.

    Attributes:
        user: the role that its clients log in as.
        speaks_for: the role whose sessions they stand for.
        settings: what each of their sessions sets at its start; empty where they are its own.
        measured: whether a session of the application showed them; else the catalog did.
    """

    user: str
    speaks_for: str
    settings: Mapping[str, str] = field(default_factory=dict)
    measured: bool = False

    @property
    def is_the_application(self) -> bool:
        """Return whether the application itself writes."""
        return self.user == self.speaks_for

    @property
    def words(self) -> str:
        """Return for whom the writes speak, in a sentence."""
        if self.is_the_application:
            return f"The writes are those of {self.user}, with its own settings."
        values = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        how = (
            f"with settings of {self.speaks_for} ({values})" if values else "with its own settings"
        )
        seen = "" if self.measured else f"; nobody logged in as {self.speaks_for}"
        return f"The writes are those of {self.user}, {how}, and not of {self.speaks_for}{seen}."

    def begin(self, connection: Connection) -> None:
        """Give a new session the settings."""
        query = statement(sql.load("failover/begin"))
        for name, value in self.settings.items():
            connection.execute(query, {"name": name, "value": value})


@dataclass(frozen=True, slots=True)
class Setting:
    """What sessions of a role begin with: the value, and at which level it is set."""

    role: str
    name: str
    value: str
    level: str


@dataclass(frozen=True, slots=True)
class Application:
    """What is known of the application's sessions, and of all others' commits.

    Attributes:
        writer: as whom the drill writes.
        values: what a session of the application shows; from the catalog where nobody is let in.
        read_only: whether its transactions are.
        trouble: why nobody is let in as it; else empty.
        settings: what sessions of all roles begin with, where that is set for them.
        server: ``synchronous_commit`` of the instance's flags, for everybody else.
    """

    writer: Writer
    values: Mapping[str, str]
    read_only: bool
    trouble: str
    settings: tuple[Setting, ...]
    server: str

    @property
    def unsafe(self) -> tuple[Setting, ...]:
        """Return whose commits may be acknowledged before the standby has them."""
        entries = list(self.settings)
        app = self.writer.speaks_for
        measured = self.values.get(COMMIT)
        if measured is not None and not any(
            entry.role == app and entry.name == COMMIT for entry in entries
        ):
            entries.append(Setting(app, COMMIT, measured, "session"))
        if not is_safe(self.server):
            entries.append(Setting("every other role", COMMIT, self.server, "instance"))
        return tuple(
            entry for entry in entries if entry.name == COMMIT and not is_safe(entry.value)
        )


def is_safe(value: str) -> bool:
    """Tell whether a commit waits until the standby has it, by ``synchronous_commit``."""
    return value.lower() in _SAFE


def look(source: "Source", owner: Connection, server: str) -> Application:
    """Return what is known of the application's sessions.

    Args:
        source: the instance.
        owner: a session of the owner, which reads the catalog.
        server: ``synchronous_commit`` of the instance's flags.
    """
    names = [*SETTINGS, READ_ONLY]
    rows = owner.execute(statement(sql.load("failover/settings")), {"names": names}).fetchall()
    settings = tuple(Setting(*row) for row in rows)
    try:
        may_write, read_only, values = _session(source.database, source.app)
        trouble = ""
    except OpsError as error:
        trouble, may_write = str(error), False
        own = {setting.name: setting.value for setting in settings if setting.role == source.app}
        read_only = own.pop(READ_ONLY, "off").lower() in {"on", "true", "yes", "1"}
        values = {COMMIT: server, **own}
    if may_write and not read_only:
        writer = Writer(source.app, source.app, measured=True)
    else:
        writer = Writer(source.owner, source.app, values, measured=not trouble)
    return Application(writer, values, read_only, trouble, settings, server)


def _session(database: Database, user: str) -> tuple[bool, bool, dict[str, str]]:
    """Log in as the application; return whether it may write, is read only, and its settings."""
    with database.connect(user, budget=AS_ITSELF, name="failover-drill") as connection:
        row = connection.execute(
            statement(sql.load("failover/application")), {"names": list(SETTINGS)}
        ).fetchone()
    assert row is not None  # noqa: S101 - a query without FROM has a row
    return row[0], row[1], dict(sorted(row[2].items()))


def judge(application: Application) -> Iterator[CheckResult]:
    """Yield whether the drill speaks for the application, and whose commits may be lost."""
    yield _speaks(application)
    yield _commits(application)


def _speaks(application: Application) -> CheckResult:
    writer = application.writer
    facts = {"writes_as": writer.user, "settings": dict(application.values)}
    app = writer.speaks_for
    if application.trouble:
        words = f"nobody is let in as {app}: {application.trouble.rstrip('.')}"
        remedy = (
            f"Give the drill the password of {app} (PGPASSFILE): then its session shows what it "
            "really begins with."
        )
        return CheckResult("application", State.UNKNOWN, 0, 1, words, (), facts, remedy)
    if application.read_only:
        words = f"sessions of {app} are read only ({READ_ONLY}): it can't write"
        remedy = f"Reset it where it is set: `ALTER ROLE {app} RESET {READ_ONLY}`, or the database."
        return CheckResult("application", State.FINDING, 1, 1, words, (), facts, remedy)
    return CheckResult("application", State.OK, 1, 1, writer.words.rstrip("."), evidence=facts)


def _commits(application: Application) -> CheckResult:
    unsafe = tuple(
        finding("role", entry.role, f"{COMMIT} {entry.value} (set for the {entry.level})")
        for entry in application.unsafe
    )
    if unsafe:
        words = f"commits are acknowledged before the standby has them: {unsafe[0].line}"
        remedy = (
            f"Reset {COMMIT} where it is set (ALTER ROLE or ALTER DATABASE ... RESET, the "
            "instance's flag)."
        )
        return CheckResult("commits", State.FINDING, 1, 1, words, unsafe, remedy=remedy)
    words = (
        f"{COMMIT} waits for the standby for every role that may log in; what a session sets "
        "itself is not seen"
    )
    return CheckResult("commits", State.OK, 1, 1, words)
