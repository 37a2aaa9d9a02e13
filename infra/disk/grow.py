"""Grows the disk of a stack's instance through the Admin API.

Pulumi leaves ``settings.diskSize`` alone (``ignoreChanges``), so that a disk that Cloud SQL
grew by itself is never taken for one to replace with a smaller one. A larger size in the
stack file does nothing therefore; this does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from infra.settings.disk import step_gb
from infra.settings.keys import key
from ops import arguments, guard
from ops.cloudsql import ApiError, Body, CloudSql
from ops.console import Progress, Table
from ops.errors import OpsError
from ops.target import Target

MOST_GB = 65_536  # https://cloud.google.com/sql/docs/quotas#storage_limits
STALE = "staleData"
PRECONDITION_FAILED = 412


class ShrinkError(OpsError):
    """The disk would become smaller."""

    def __init__(self, name: str, now_gb: int, to_gb: int) -> None:
        super().__init__(
            f"The disk of {name} has {now_gb} GB and can't shrink to {to_gb} GB. To get a smaller"
            " one, restore a backup into a new instance."
        )


class PastLimitError(OpsError):
    """The disk would be larger than it may grow by itself."""

    def __init__(self, name: str, limit_gb: int, to_gb: int) -> None:
        super().__init__(
            f"{to_gb} GB are past the limit up to which the disk of {name} grows by itself"
            f" ({limit_gb} GB). Raise {key('disk_autoresize_limit_gb')} and deploy first."
        )


class ChangedMeanwhileError(OpsError):
    """Somebody changed the instance's settings between our look and our change."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The settings of {name} were changed by somebody else just now, and nothing was done."
            " Run it again."
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """A disk that grew, or would.

    Attributes:
        stack: The stack.
        instance: Its instance.
        before_gb: The size as it was found.
        after_gb: The size asked for.
        declared_gb: What the stack file says.
        applied: Whether it was carried out.
        limit_gb: Up to which it grows by itself; 0 for no limit.
        autoresize: Whether it grows by itself at all.
    """

    stack: str
    instance: str
    before_gb: int
    after_gb: int
    declared_gb: int
    applied: bool
    limit_gb: int = 0
    autoresize: bool = True

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[str]:
        if self.before_gb == self.after_gb:
            yield f"Nothing to do: the disk of {self.instance} has {self.after_gb} GB."
        elif self.applied:
            yield f"The disk of {self.instance} grew from {self.before_gb} to {self.after_gb} GB."
        else:
            yield (
                f"The disk of {self.instance} would grow from {self.before_gb} to"
                f" {self.after_gb} GB, without a restart. It can't shrink again."
            )
        if not self.autoresize:
            yield (
                f"It does not grow by itself: a full disk stops {self.instance}. Set"
                f" {key('disk_autoresize')}: true and deploy."
            )
        elif self.limit_gb and self.limit_gb < self.after_gb + step_gb(self.after_gb):
            yield (
                f"With {self.after_gb} GB it has {self.limit_gb - self.after_gb} GB left to grow by"
                f" itself, less than a step of {step_gb(self.after_gb)} GB: its limit is"
                f" {self.limit_gb} GB. Raise {key('disk_autoresize_limit_gb')} and deploy."
            )
        if self.declared_gb != self.after_gb:
            yield (
                f"Write {key('disk_size_gb')}: {self.after_gb} into Pulumi.{self.stack}.yaml (it"
                f" says {self.declared_gb}), for instances made from it later. Deploying leaves"
                " the disk alone either way: the program ignores changes of its size."
            )


def parse(text: str) -> int:
    """Return the size that ``--to-gb`` means; raises ops.arguments.BadArgumentError."""
    return arguments.parse_whole("--to-gb", text, least=1, most=MOST_GB, unit="GB")


def plan(target: Target, live: Body, to_gb: int) -> Growth:
    """Decide what would be done to a live instance.

    Raises:
        ShrinkError: It would become smaller.
        PastLimitError: It would be larger than the limit of growing by itself.
    """
    settings = live["settings"]
    now_gb = int(settings.get("dataDiskSizeGb", 0))
    limit_gb = int(settings.get("storageAutoResizeLimit", 0))
    if to_gb < now_gb:
        raise ShrinkError(target.instance, now_gb, to_gb)
    if settings.get("storageAutoResize") and 0 < limit_gb < to_gb:
        raise PastLimitError(target.instance, limit_gb, to_gb)
    declared_gb = target.settings.instance.disk.size_gb
    return Growth(
        stack=target.stack,
        instance=target.instance,
        before_gb=now_gb,
        after_gb=to_gb,
        declared_gb=declared_gb,
        applied=False,
        limit_gb=limit_gb,
        autoresize=bool(settings.get("storageAutoResize")),
    )


def grow(
    target: Target,
    to_gb: int,
    progress: Progress,
    *,
    plan_only: bool = False,
    yes: bool = False,
    confirm: str = "",
) -> Growth:
    """Grow the disk of a stack's instance, and wait until it has grown.

    Args:
        target: The stack.
        to_gb: The new size in GB.
        progress: Where the wait shows itself.
        plan_only: Whether to stop before anything is done.
        yes: On production, whether to act.
        confirm: On production, the instance's name.

    Raises:
        ShrinkError: It would become smaller.
        PastLimitError: It would be larger than the limit of growing by itself.
        ChangedMeanwhileError: The settings were changed between the look and the change.
        ops.guard.NotConfirmedError: On production, without its name.
    """
    cloud = target.cloud()
    live = cloud.instance(target.instance)
    decided = plan(target, live.body, to_gb)
    done = decided.before_gb == decided.after_gb
    if done or plan_only:
        return decided
    if not guard.permit(target, f"grow the disk to {to_gb} GB", yes=yes, confirm=confirm):
        progress.line(f"{target.stack} is production: add --yes --confirm {target.instance}.")
        return decided
    with progress.phase(f"Grow the disk of {target.instance} to {to_gb} GB"):
        _carry_out(cloud, target.instance, to_gb, live.settings_version)
    return replace(decided, applied=True)


def _carry_out(cloud: CloudSql, name: str, to_gb: int, version: int) -> None:
    settings = {"dataDiskSizeGb": str(to_gb), "settingsVersion": str(version)}
    try:
        operation = cloud.patch(name, {"settings": settings})
    except ApiError as error:
        if error.status == PRECONDITION_FAILED or error.reason == STALE:
            raise ChangedMeanwhileError(name) from error
        raise
    cloud.wait(operation)
