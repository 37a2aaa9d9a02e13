"""One stack as tasks see it: which instance, which roles, how guarded, where its records lie."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ops import localcloud
from ops.bucketstore import BucketStore
from ops.cloudsql import CloudSql
from ops.db import Database, LibpqPasswords, PasswordFolder, Passwords
from ops.errors import OpsError
from ops.localserver import Server
from ops.objects import BucketObjects, FolderObjects, Objects
from ops.store import FolderStore, Store

if TYPE_CHECKING:  # pydantic is loaded only when a task runs: `invoke --list` stays fast
    from infra.settings import Settings

POSTGRES_PORT = 5432


def stack_name(stack: str) -> str:
    """Return the stack: ``-s``, else ``INVOKE_STACK``, else ``local``."""
    return stack or os.environ.get("INVOKE_STACK") or "local"


@dataclass(frozen=True, slots=True)
class Target:
    """What one invocation works on.

    Attributes:
        stack: the Pulumi stack.
        settings: all of the stack's settings.
        state: the folder of this stack's leases, journals and evidence.
        local: the local Cloud SQL's folder on the stack that lives there, else None.
    """

    stack: str
    settings: "Settings"
    state: Path
    local: Path | None

    @property
    def project(self) -> str:
        """Return the Google Cloud project."""
        return self.settings.project

    @property
    def instance(self) -> str:
        """Return the Cloud SQL instance's name."""
        return self.settings.instance.name

    @property
    def database(self) -> str:
        """Return the application's database."""
        return self.settings.database

    @property
    def owner(self) -> str:
        """Return the role that owns the schema and runs migrations."""
        return self.settings.users.owner

    @property
    def app(self) -> str:
        """Return the application's role."""
        return self.settings.users.app

    @property
    def production(self) -> bool:
        """Return whether mutations are guarded."""
        return self.settings.production

    @property
    def store(self) -> Store:
        """Return where this stack's records live: its evidence bucket, where it has one.

        A scheduled job's disk vanishes, and a lease has to be the same for a job and a laptop.
        """
        bucket = self.settings.storage.evidence
        return FolderStore(self.state) if bucket is None else BucketStore(bucket, self.stack)

    def server(self) -> Server:
        """Return the running local Cloud SQL; raises NotRunningError, or on cloud stacks."""
        if self.local is None:
            raise NotLocalError(self.stack)
        return localcloud.require(self.local)

    def cloud(self) -> CloudSql:
        """Return the Admin API of this stack's project."""
        return CloudSql(self.project, None if self.local is None else self.server().url)

    def objects(self) -> Objects:
        """Return where this stack's exports are."""
        return BucketObjects() if self.local is None else FolderObjects(self.local / "buckets")

    def now(self) -> datetime:
        """Return the time by the clock that the instance lives by: a rehearsal's may be ahead."""
        return datetime.now(UTC) if self.local is None else self.server().now()

    def passwords(self) -> Passwords:
        """Return where this stack's passwords come from."""
        if self.local is None:
            return LibpqPasswords()
        return PasswordFolder(password_folder(self.local, self.stack))

    def database_at(self, address: str) -> Database:
        """Return the application's database on an instance's address."""
        port = POSTGRES_PORT if self.local is None else self.server().pg_port
        return Database(address, port, self.database, self.passwords())


class NotLocalError(OpsError):
    """Something that only a rehearsal can do was asked of a cloud stack."""

    def __init__(self, stack: str) -> None:
        super().__init__(f"Stack {stack} is not on the local Cloud SQL. Use `-s local` for this.")


def password_folder(local: Path, stack: str) -> Path:
    """Return where the deployer keeps the passwords of a stack on the local Cloud SQL."""
    return local / "stack" / stack / "passwords"


def load(stack: str) -> Target:
    """Return the target of a stack's name as given on the command line.

    Raises:
        ops.errors.BadInputError: there is no such stack, or its settings are wrong.
    """
    from infra import settings

    name = stack_name(stack)
    loaded = settings.load(name)
    local = localcloud.data_dir() if loaded.local else None
    return Target(name, loaded, _state(name, local), local)


def _state(stack: str, local: Path | None) -> Path:
    if local is not None:
        return local / "ops" / stack
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(home) / "ai-square-db" / stack
