"""Decides, without touching anything: which faults are put in, in which order, with what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops import arguments
from ops.errors import BadInputError
from ops.restore.copies import CopyPlan, Kind
from ops.restore.faults.fault import Fault
from ops.restore.faults.inject import FAULTS, LocalFaultError, UnknownFaultError

CLIENTS_LIMIT = 64  # each is a thread here and a connection there


class CloudWorkloadError(BadInputError):
    """A workload was asked for on a cloud stack."""

    def __init__(self, stack: str) -> None:
        super().__init__(
            f"--workload writes to a rehearsal source on the local Cloud SQL, and stack {stack} is "
            "not there. Use `-s local`, or leave it out."
        )


class EveryFaultOnCloudError(BadInputError):
    """Every fault was asked for on a cloud stack, where each costs an instance."""

    def __init__(self, stack: str) -> None:
        super().__init__(
            f"Each fault makes an instance of its own, and on stack {stack} those cost money. "
            "Name those to try, as `--only altered-row,lost-index`; `-s local` tries all."
        )


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of a self-test may choose.

    Attributes:
        only: the faults to put in, as given; empty puts in all.
        clients: how many clients write meanwhile.
    """

    only: tuple[str, ...] = ()
    clients: int = 0


def options(only: str, workload: str) -> Options:
    """Return the options of a command line; raises ops.arguments.BadArgumentError."""
    names = tuple(dict.fromkeys(name.strip() for name in only.split(",") if name.strip()))
    if not workload:
        return Options(names)
    return Options(
        names, arguments.parse_whole("--workload", workload, most=CLIENTS_LIMIT, unit="clients")
    )


@dataclass(frozen=True, slots=True)
class SelftestPlan:
    """What one self-test does.

    Attributes:
        told: faults in what the drill is told: they need no copy.
        copied: faults of a copy: each on a clone of its own, two side by side.
        alone: faults of the source's archive or of backups: one after the other.
        names: the instance that each fault is put into, by fault.
    """

    told: tuple[Fault, ...]
    copied: tuple[Fault, ...]
    alone: tuple[Fault, ...]
    names: Mapping[str, str]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return all faults, in the order of the catalogue."""
        chosen = {fault.name for fault in (*self.told, *self.copied, *self.alone)}
        return tuple(fault for fault in FAULTS.values() if fault.name in chosen)

    def clone(self, fault: Fault) -> CopyPlan:
        """Return what the fault's copy is to be."""
        return CopyPlan(Kind.CLONE, self.names[fault.name])


def plan(stem: str, chosen: Options, *, stack: str, local: bool) -> SelftestPlan:
    """Return what a self-test does.

    Args:
        stem: what the names of its instances begin with.
        chosen: by its caller.
        stack: whose instance is tested.
        local: whether that is on the local Cloud SQL.

    Raises:
        ops.restore.faults.inject.UnknownFaultError: ``--only`` names no fault.
        ops.restore.faults.inject.LocalFaultError: it names one that this stack can't have.
        EveryFaultOnCloudError: it is empty, on a cloud stack.
        CloudWorkloadError: ``--workload`` on a cloud stack.
    """
    faults = _chosen(chosen.only)
    if not local:
        if chosen.clients:
            raise CloudWorkloadError(stack)
        if not chosen.only:
            raise EveryFaultOnCloudError(stack)
        for fault in faults:
            if fault.local:
                raise LocalFaultError(fault.name, stack)
    return SelftestPlan(
        told=tuple(fault for fault in faults if fault.runs is not None),
        copied=tuple(
            fault for fault in faults if fault.copy is not None or fault.moment is not None
        ),
        alone=tuple(fault for fault in faults if fault.archive or fault.base or fault.restored),
        names={fault.name: f"{stem}f{number}" for number, fault in enumerate(faults, start=1)},
    )


def _chosen(only: Sequence[str]) -> tuple[Fault, ...]:
    for name in only:
        if name not in FAULTS:
            raise UnknownFaultError(name)
    return tuple(fault for fault in FAULTS.values() if not only or fault.name in only)
