"""Which instance a record is about: a drill of another one proves nothing of this one.

A name is not enough: a stack file may name another instance or project, and an instance of the
same name may have been made anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ops.errors import OpsError

if TYPE_CHECKING:
    from ops.target import Target

CREATED = "createTime"  # of an instance, as the Admin API names it


@dataclass(frozen=True, slots=True)
class Identity:
    """An instance of Cloud SQL.

    Attributes:
        name, project: as the stack names it; an empty project is not known.
        created: when it was made, by the Admin API; None where that is not known.
        trouble: why that is not known, in a sentence; else empty.
    """

    name: str
    project: str = ""
    created: datetime | None = None
    trouble: str = ""

    def document(self) -> dict[str, object]:
        """Return what a record keeps of it."""
        created = None if self.created is None else self.created.isoformat()
        return {"name": self.name, "project": self.project, "created": created}

    def words(self) -> str:
        """Return it for people."""
        project = f" of project {self.project}" if self.project else ""
        since = f", created {self.created:%Y-%m-%d %H:%M:%S} UTC" if self.created else ""
        return f"{self.name}{project}{since}"

    def is_same(self, recorded: "Identity", began: datetime | None) -> bool:
        """Return whether a record is about this instance, as far as both know.

        Args:
            recorded: the instance as the record has it; older records know its name alone.
            began: when the drill began; one that is older than the instance was of another.
        """
        if recorded.name != self.name:
            return False
        if recorded.project and self.project and recorded.project != self.project:
            return False
        if self.created is None:
            return True
        if recorded.created is not None:
            return recorded.created == self.created
        return began is None or began >= self.created


def created_at(body: Mapping[str, object]) -> datetime | None:
    """Return when an instance was made, from its body; None where it does not say."""
    try:
        return datetime.fromisoformat(str(body.get(CREATED))).astimezone(UTC)
    except ValueError:
        return None


def of(target: "Target", name: str = "") -> Identity:
    """Return the instance that a stack names, asking the Admin API since when it exists.

    Args:
        target: the stack.
        name: of an instance; empty takes the stack's.
    """
    name = name or target.instance
    created, trouble = None, "the Admin API does not say when it was created"
    try:
        created = created_at(target.cloud().instance(name).body)
    except OpsError as error:
        trouble = str(error)
    return Identity(name, target.project, created, "" if created is not None else trouble)
