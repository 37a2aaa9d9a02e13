"""``invoke tune``: a proposal, its difference to the stack, and putting it into the stack file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.flags import FlagValue, catalogue, in_words
from infra.flags.budget import COLUMNS, Budget, Level
from infra.flags.vacuum import hindrances
from infra.settings import Settings
from infra.stackfile import ROOT
from infra.tuning import clamp, pgtune, stackflags, timescale
from infra.tuning.machine import Machine, Workload, machine
from infra.tuning.proposed import Formula, Proposed
from ops import arguments
from ops.checks.result import State
from ops.console import Table

# What -1 comes to on every tier: a 32nd of shared_buffers, 16 MB at most (xlog.c).
_WAL_BUFFERS_MOST = 16 * 1024 // 8
_FORMULAS = {pgtune.SOURCE: pgtune.formulas, timescale.SOURCE: timescale.formulas}


@dataclass(frozen=True, slots=True)
class Difference:
    """One flag that the stack would declare otherwise.

    Attributes:
        flag: Its name.
        now: What the stack declares, in people's units; what holds by default otherwise.
        proposed: In people's units.
        restart: Whether the change restarts the instance.
    """

    flag: str
    now: str
    proposed: str
    restart: bool


@dataclass(frozen=True, slots=True)
class Tuning:
    """The answer of ``invoke tune``.

    Attributes:
        stack: The stack.
        machine: What it is for.
        workload: Of the database.
        proposed: Every flag that the formulas give.
        differences: What of it the stack does not have yet.
        budget: What the stack's whole set would need then.
        hindrances: What in it keeps autovacuum from its work.
        refused: Why the stack file would not be good with it; empty where it would be.
        written: The file that the differences were put into; empty for none.
        deploy: What brings the file's flags to the instance.
    """

    stack: str
    machine: Machine
    workload: Workload
    proposed: tuple[Proposed, ...]
    differences: tuple[Difference, ...]
    budget: Budget
    hindrances: tuple[str, ...]
    refused: str
    written: str
    deploy: str

    @property
    def state(self) -> State:
        """A finding where the set can't be declared, is too large, or hinders autovacuum."""
        fits = self.budget.level in {Level.FITS, Level.TYPICAL}
        good = fits and not self.refused and not self.hindrances
        return State.OK if good else State.FINDING

    @property
    def restarts(self) -> tuple[str, ...]:
        """The flags whose change restarts the instance."""
        return tuple(difference.flag for difference in self.differences if difference.restart)

    def document(self) -> Mapping[str, object]:
        """Return the facts for JSON."""
        proposed = [
            {
                "flag": difference.flag,
                "formula": difference.formula.how,
                "source": difference.formula.source,
                "formula_says": difference.formula.value,
                "bounded": difference.bounded,
                "proposed": difference.value.words,
                "value": difference.value.value,
                "restart": difference.value.restart,
            }
            for difference in self.proposed
        ]
        return {
            "stack": self.stack,
            "workload": self.workload,
            "tier": self.machine.tier.name,
            "connections": self.machine.connections,
            "state": self.state,
            "proposed": proposed,
            "differences": self.differences,
            "restarts": self.restarts,
            "budget": self.budget,
            "autovacuum": self.hindrances,
            "refused": self.refused,
            "written": self.written,
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        yield f"Proposed for {self.workload} on {self.machine.tier.name}:"
        rows = tuple(_row(proposal) for proposal in self.proposed)
        yield Table("", ("flag", "proposed", "formula", "source"), rows)
        yield from _in_sql(self.workload)
        yield "Memory of the whole set:"
        yield Table("", COLUMNS, tuple(self.budget.rows()))
        yield from self.budget.lines
        yield from self.hindrances
        if not self.differences:
            yield f"Stack {self.stack} declares all of it already."
            return
        yield f"Difference to stack {self.stack}:"
        changes = tuple(
            (
                difference.flag,
                difference.now,
                difference.proposed,
                "yes" if difference.restart else "no",
            )
            for difference in self.differences
        )
        yield Table("", ("flag", "now", "proposed", "restart"), changes)
        yield from self._end()

    def _end(self) -> Iterator[str]:
        if self.restarts:
            yield f"Deploying it restarts the instance once: {', '.join(self.restarts)}."
        if self.refused:
            over = self.budget.level is Level.OVER
            yield f"It can't be declared{'.' if over else f': {self.refused}'}"
        if self.written:
            count = len(self.differences)
            yield f"{count} flags written to {self.written}. Nothing is deployed: {self.deploy}."
        elif not self.refused:
            yield "Nothing was written; --write puts it into the stack file."


def _row(proposal: Proposed) -> tuple[str, ...]:
    says = proposal.formula.how
    if proposal.bounded:
        says = f"{says} = {proposal.formula.value}, but {proposal.bounded}"
    return (proposal.flag, short(proposal.value), says, proposal.formula.source)


def _in_sql(workload: Workload) -> Iterator[str]:
    """Say what the formulas set that is no flag: JIT is off but for dw (pgtune's selectJit)."""
    if workload is not Workload.DW:
        yield "pgtune also switches jit off, which is no flag: ALTER DATABASE ... SET jit = off."


def short(value: FlagValue) -> str:
    """Return a value as stack files write it: ``2.5GB``."""
    return value.words.replace(" ", "")


def tune(
    settings: Settings,
    workload: str,
    *,
    connections: str = "",
    formulas: str = pgtune.SOURCE,
    write: bool = False,
    root: Path = ROOT,
) -> Tuning:
    """Propose flags for a stack; with ``write`` put the differences into its file.

    Raises:
        ops.arguments.BadArgumentError: what was asked for is unknown.
        SettingsError: ``write``, and the file would be no good configuration with them.
        LayoutError: ``write``, and the file's layout can't be kept.
    """
    kind = arguments.member("--workload", workload, Workload)
    formulas = arguments.choice("--formulas", formulas, _FORMULAS)
    on = machine(settings, connections)
    declared = settings.instance.flags
    proposed = propose(_FORMULAS[formulas](on, kind), declared, on)
    changed = differences(proposed, declared)
    values = {difference.flag: difference.proposed for difference in changed}
    written = stackflags.put(settings.stack, values, root) if write and changed else ""
    refused = "" if written else stackflags.refusal(settings.stack, values, root)
    return Tuning(
        stack=settings.stack,
        machine=on,
        workload=kind,
        proposed=proposed,
        differences=changed,
        budget=clamp.budget(proposed, declared, on),
        hindrances=_hindrances(proposed, declared),
        refused=refused,
        written=written,
        deploy=_deploy(settings),
    )


def _hindrances(proposed: Sequence[Proposed], declared: Sequence[FlagValue]) -> tuple[str, ...]:
    flags = clamp.whole_set(proposed, declared)
    return tuple(hindrances({flag.name: flag.value for flag in flags}))


def propose(
    formulas: Sequence[Formula], declared: Sequence[FlagValue], on: Machine
) -> tuple[Proposed, ...]:
    """Return what the formulas give, within Cloud SQL's limits and the memory budget."""
    return clamp.fit(clamp.clamp(formulas, on), declared, on)


def differences(
    proposed: Sequence[Proposed], declared: Sequence[FlagValue]
) -> tuple[Difference, ...]:
    """Return the proposed flags that the stack does not have, neither declared nor by default."""
    has = {flag.name: flag.value for flag in declared}
    return tuple(
        Difference(
            proposal.flag, _now(proposal.flag, has), short(proposal.value), proposal.value.restart
        )
        for proposal in proposed
        if proposal.value.value != has.get(proposal.flag, catalogue()[proposal.flag].default)
        and not _automatic(proposal, has)
    )


def _automatic(proposal: Proposed, has: Mapping[str, str]) -> bool:
    """Tell whether PostgreSQL sets it so by itself: a change would restart for nothing."""
    left = has.get(proposal.flag, catalogue()[proposal.flag].default) == "-1"
    return (
        proposal.flag == "wal_buffers" and left and proposal.value.value == str(_WAL_BUFFERS_MOST)
    )


def _deploy(settings: Settings) -> str:
    if settings.local:
        return f"`invoke local.deploy -s {settings.stack}` does that"
    when = f" in the change window ({settings.change_window})" if settings.change_window else ""
    return f"`pulumi up -s {settings.stack}` does that{when}"


def _now(name: str, has: Mapping[str, str]) -> str:
    if name in has:
        return in_words(name, has[name]).replace(" ", "")
    default = catalogue()[name].default
    return f"unset ({in_words(name, default).replace(' ', '')})" if default else "unset"
