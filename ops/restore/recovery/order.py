"""What a restore was asked for, and what is to be done: enough to go on after a kill."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum

from ops.errors import OpsError
from ops.journal import BadEntryError, Journal

ROOM = "restore"  # the name of the lease, of the journals and of the evidence
RUN_LABEL = "restore-run"  # tells an instance that we made from one that has only its name


class Task(StrEnum):
    """The three restores, as people type them."""

    TO_NEW = "to-new"
    PITR = "pitr"
    IN_PLACE = "in-place"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for.

    Attributes:
        task: which of the three.
        backup: the backup run; empty takes the newest successful one.
        to: the moment, in the words that were typed.
        name: of the new instance; empty lets us choose one.
        zonal: whether the new instance does without the source's standby.
        delete_replicas: whether the read replicas may be deleted.
        no_backup_first: why no backup is taken first; empty takes one.
    """

    task: Task
    backup: str = ""
    to: str = ""
    name: str = ""
    zonal: bool = False
    delete_replicas: bool = False
    no_backup_first: str = ""

    def agrees(self, earlier: "Request") -> bool:
        """Tell whether this may be meant to go on with an earlier one: nothing contradicts it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return all(not value or getattr(earlier, name) == value for name, value in values.items())


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Attributes:
        request: what was asked for.
        stack: whose instance it is.
        source: the instance whose data is restored.
        instance: the one that has it afterwards; in place it is the source.
        backup: the backup run's id; empty for a moment.
        moment: what the data is as of: a time, or when the backup run began.
        pass_by: whether a commit has to be made on the source so that it passes the moment.
        replicas: read replicas that are deleted first.
    """

    request: Request
    stack: str
    source: str
    instance: str
    backup: str
    moment: datetime | None
    pass_by: bool = False
    replicas: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """Return which of the three it is."""
        return self.request.task

    @property
    def command(self) -> str:
        """Return how the task is called to go on with it."""
        return f"invoke restore.{self.task} -s {self.stack}"

    @property
    def go_on(self) -> str:
        """Return how to go on with it after it was cut, and how to undo it, for people."""
        if self.task is Task.IN_PLACE:
            return f"Go on with `{self.command}`: it takes up what is under way."
        return (
            f"Go on with `{self.command}`: it takes up what is under way; or undo it with "
            f"`{self.command} --abandon`."
        )

    @property
    def content(self) -> str:
        """Return what is restored, for people."""
        if self.backup:
            return f"backup run {self.backup} of {self.source}"
        return f"{self.source} as of {self.moment:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"

    def facts(self) -> Mapping[str, str]:
        """Return it for a journal's entry."""
        plain = asdict(self) | {"moment": self.moment and self.moment.isoformat()}
        return {"order": json.dumps(plain)}


class UnfinishedError(OpsError):
    """An earlier restore did not end, and another one is asked for."""

    def __init__(self, order: Order) -> None:
        super().__init__(
            f"A restore of {order.content} into {order.instance} did not end. Go on with "
            f"`{order.command}` alone, or give it up with `{order.command} --abandon`."
        )


def read(journal: Journal) -> Order | None:
    """Return the order that a journal begins with; None where it was not even written down.

    Raises:
        ops.journal.BadEntryError: the journal is damaged.
    """
    entries = journal.entries()
    if not entries:
        return None
    try:
        plain = json.loads(entries[0].facts["order"])
        request = plain.pop("request")
        moment = plain.pop("moment")
        return Order(
            request=Request(**{**request, "task": Task(request["task"])}),
            moment=moment and datetime.fromisoformat(moment),
            replicas=tuple(plain.pop("replicas")),
            **plain,
        )
    except (KeyError, TypeError, ValueError):
        raise BadEntryError(f"{ROOM}/{journal.run}") from None
