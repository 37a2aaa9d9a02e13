"""What rules look at: one instance in the Admin API's shape, and what only others know.

The declared instance becomes the API's body by ``infra.body``, the live one is
that body, so that a rule is written once. What an API body can't say (Pulumi's
protection, secrets in plain, the pool's size) comes as optional facts: a rule that lacks
its fact answers unknown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from infra.desired import UNKNOWN_UNTIL_DEPLOYED
from infra.flags import catalogue

BACKUPS = "settings.backupConfiguration"
# Blocks that the API tells of every instance; a replica has no backups.
TOLD = ("settings", BACKUPS, "settings.ipConfiguration")
NOT_YET = "is known only after a deployment"


class NotKnownError(LookupError):
    """A rule asked for what is known only after a deployment, or for a fact nobody gave."""


class Origin(StrEnum):
    """Whose body it is."""

    DECLARED = "declared"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What only the declaration of an instance knows.

    Attributes:
        protect: Whether Pulumi refuses to delete it.
        deletion_protection: Whether the provider does.
        ignore_changes: Input paths whose changes are left alone, as ``settings.diskSize``.
        plain_secrets: Inputs of the whole program that hold a secret in plain, as
            ``owner-user.password``; None where secrets can't be told from other values.
    """

    protect: bool
    deletion_protection: bool
    ignore_changes: tuple[str, ...]
    plain_secrets: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the body; None where nobody knows.

    Attributes:
        production: Whether the stack is guarded.
        pool_connections: What the application's pools together may open.
        declaration: Of this instance.
        restarts: Declared flags that are not live yet and would restart the instance.
        approval: The declared label that approves such a restart; empty without one.
        endless_roles: Roles that a timeout does not stop in time, by the timeout's name: by
            ``sql/roles`` of a declared instance, else users by the settings that their sessions
            begin with. Of a replica, its primary's count.
        roles_unread: Why nobody can tell; empty where somebody can.
        undeclared_users: Users that the API lists and nobody declared, without Cloud SQL's own.
        primary: Of a read replica.
        buckets: Where the stack's buckets are, by their names.
        backup_places: Where the backups of a live instance are that there are already.
    """

    production: bool | None = None
    pool_connections: int | None = None
    declaration: Declaration | None = None
    restarts: tuple[str, ...] | None = None
    approval: str | None = None
    endless_roles: Mapping[str, tuple[str, ...]] | None = None
    roles_unread: str = ""
    undeclared_users: tuple[str, ...] | None = None
    primary: "Subject | None" = None
    buckets: Mapping[str, str] | None = None
    backup_places: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """One instance.

    Attributes:
        stack: Whose it is; waivers are given by stack.
        origin: Whether it is declared or live.
        body: In the Admin API's shape.
        now: The time by the instance's own clock.
        facts: What the body can't say.
    """

    stack: str
    origin: Origin
    body: Mapping[str, Any]
    now: datetime
    facts: Facts = Facts()

    @property
    def name(self) -> str:
        """The instance's name."""
        return str(self.body.get("name", ""))

    @property
    def is_replica(self) -> bool:
        """Whether it follows another instance."""
        return bool(self.body.get("masterInstanceName"))

    @property
    def source(self) -> str:
        """The name of the instance that a replica follows; empty for a primary."""
        return str(self.body.get("masterInstanceName", "")).rpartition(":")[2]

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return what lies at a path, as ``settings.tier``; None where nothing does.

        Raises:
            NotKnownError: Only a deployment can tell.
        """
        if self.origin is Origin.LIVE:
            self._check_told(path)
        value: Any = self.body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value == UNKNOWN_UNTIL_DEPLOYED:
            raise NotKnownError(f"{path} {NOT_YET}")
        return value

    def _check_told(self, path: str) -> None:
        """Refuse to take a block that the API tells of every instance, and did not, for empty."""
        for block in TOLD:
            if not f"{path}.".startswith(f"{block}.") or (block == BACKUPS and self.is_replica):
                continue
            value: Any = self.body
            for part in block.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if not isinstance(value, Mapping):
                raise NotKnownError(f"the API told of no {block}")

    def text(self, path: str) -> str:
        """Return a text or the word of an enum; empty where there is none."""
        value = self.get(path)
        return "" if value is None else str(value)

    def on(self, path: str) -> bool:
        """Tell whether a switch is on; the API's switches are off when they are absent."""
        return self.get(path) is True

    def number(self, path: str) -> int | None:
        """Return a whole number, which the API writes as text where it has 64 bits."""
        value = self.get(path)
        return None if value in {None, ""} else int(value)

    def entries(self, path: str) -> Sequence[Mapping[str, Any]]:
        """Return a list of objects; empty where there is none."""
        return tuple(self.get(path) or ())

    def has(self, path: str) -> bool:
        """Tell whether something lies at a path, known or not yet."""
        try:
            return bool(self.get(path))
        except NotKnownError:
            return True

    @property
    def flags(self) -> Mapping[str, str]:
        """The flags that are set, in the API's units; of duplicates the last."""
        return {
            str(flag.get("name", "")): str(flag.get("value", ""))
            for flag in self.entries("settings.databaseFlags")
        }

    def flag(self, name: str) -> str:
        """Return a flag's value as it is in force: set, else the catalogue's default."""
        if name in self.flags:
            return self.flags[name]
        known = catalogue().get(name)
        return known.default if known else ""

    def fact(self, name: str) -> Any:  # noqa: ANN401 - a field of Facts
        """Return a fact; raises NotKnownError where nobody gave it."""
        value = getattr(self.facts, name)
        if value is None:
            raise NotKnownError(f"nobody told of {name.replace('_', ' ')}")
        return value


def linked(subjects: Iterable[Subject]) -> tuple[Subject, ...]:
    """Return instances in their order, each replica knowing the one that it follows."""
    named = {subject.name: subject for subject in subjects}

    def link(subject: Subject) -> Subject:
        primary = named.get(subject.source)
        known = None if primary is None else link(primary)
        return replace(subject, facts=replace(subject.facts, primary=known))

    return tuple(link(subject) for subject in named.values())
