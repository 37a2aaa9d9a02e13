"""The instance an operation is about."""

from infra.local.errors import EngineError
from infra.local.model import Instance
from infra.local.work import Job


class GoneError(EngineError):
    """The instance was deleted in the meantime."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The instance {name} is gone. Make it again, or name another.")


def instance_of(job: Job, fact: str = "uid") -> Instance:
    """Return the instance that one of the operation's facts names.

    Raises:
        GoneError: If it is no more.
    """
    instance = job.service.store.by_uid(str(job.operation.facts[fact]))
    if instance is None:
        raise GoneError(job.operation.target)
    return instance
