"""``invoke flags.check``: a stack's flags, proven on a real PostgreSQL of its major."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from infra import rolesettings
from infra.flags.budget import COLUMNS, Budget, reckon
from infra.flags.proof import Proof, Prover, prover
from infra.flags.running import Running, weigh
from infra.flags.vacuum import hindrances
from infra.flags.values import FlagValue
from infra.flags.verdict import Verdict, judge
from infra.settings import Settings
from ops import programs
from ops.checks.result import State, worst
from ops.console import Progress, Table
from ops.programs import ProgramsMissingError
from ops.target import Target
from ops.tiers import Tier


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one instance's set.

    Attributes:
        instance: Its name.
        tier: Its machine.
        proof: What PostgreSQL says; None where there was none to ask.
        verdicts: One a flag.
        budget: What the set needs of the tier's memory.
        hindrances: What keeps autovacuum from its work.
    """

    instance: str
    tier: str
    proof: Proof | None
    verdicts: tuple[Verdict, ...]
    budget: Budget
    hindrances: tuple[str, ...]

    @property
    def state(self) -> State:
        """The state that decides; what only Cloud SQL knows decides nothing."""
        if self.hindrances or (self.proof is not None and self.proof.refused):
            return State.FINDING
        proven = [v.state for v in self.verdicts if v.state is not State.NOT_APPLICABLE]
        return worst(proven) if proven else State.OK

    @property
    def how(self) -> str:
        """How the set was proven, one sentence."""
        if self.proof is None:
            return "Nothing was proven."
        server = f"PostgreSQL {self.proof.version}"
        if self.proof.refused:
            return f"{server} refuses the set: {self.proof.refused.rstrip('.')}."
        if self.proof.started:
            return f"{server} was started with the set and read back from pg_settings."
        return f"{server} was asked with `postgres -C`, not started: {self.proof.why}."

    def document(self) -> Mapping[str, object]:
        """Return the facts for JSON."""
        return {
            "instance": self.instance,
            "tier": self.tier,
            "state": self.state,
            "how": self.how,
            "started": self.proof is not None and self.proof.started,
            "verdicts": self.verdicts,
            "budget": self.budget,
            "autovacuum": self.hindrances,
        }


@dataclass(frozen=True, slots=True)
class FlagCheck:
    """The answer of ``invoke flags.check``.

    Attributes:
        stack: The stack.
        remedy: What to do where nothing could be proven; empty otherwise.
        checked: One an instance.
        running: What roles and databases set on the running instance; None where only the
            declared flags are proven.
    """

    stack: str
    remedy: str
    checked: tuple[Checked, ...]
    running: Running | None = None

    @property
    def state(self) -> State:
        """The state that decides; an instance that does not run decides nothing."""
        states = [check.state for check in self.checked]
        if self.running is not None and self.running.state is not State.NOT_APPLICABLE:
            states.append(self.running.state)
        return worst(states)

    def document(self) -> Mapping[str, object]:
        """Return the facts for JSON."""
        return {
            "stack": self.stack,
            "state": self.state,
            "remedy": self.remedy,
            "instances": self.checked,
            "running": self.running,
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read: a table an instance, then the verdict."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        for check in self.checked:
            yield f"{check.instance} on {check.tier}"
            yield check.how
            columns = ("flag", "declared", "API value", "PostgreSQL says", "verdict")
            rows = tuple((v.flag, v.declared, v.value, v.told, v.why) for v in check.verdicts)
            yield Table("", columns, rows)
            yield "Memory of the whole set:"
            yield Table("", COLUMNS, tuple(check.budget.rows()))
            yield from check.budget.lines
            yield from check.hindrances
        if self.remedy:
            yield self.remedy
        if self.running is not None:
            yield from self.running.blocks()
        yield _summary([verdict for check in self.checked for verdict in check.verdicts])


def _summary(verdicts: Sequence[Verdict]) -> str:
    counted = {state: sum(v.state is state for v in verdicts) for state in State}
    parts = [
        f"{counted[State.OK]} of {len(verdicts)} flags are as declared",
        f"{counted[State.FINDING]} are not",
        f"{counted[State.UNKNOWN]} could not be proven",
        f"{counted[State.NOT_APPLICABLE]} only Cloud SQL knows",
    ]
    return ", ".join(parts) + "."


def check_stack(target: Target, progress: Progress) -> FlagCheck:
    """Prove a stack's flags, and read what sessions of its running instance begin with instead.

    Raises:
        ScratchFailedError: a scratch cluster can't be made.
    """
    proven = check(target.settings, progress)
    declared = target.settings.instance
    read = rolesettings.of_stack(target)
    return replace(proven, running=weigh(read, declared.flags, declared.tier.memory_mb))


def check(settings: Settings, progress: Progress) -> FlagCheck:
    """Prove the flags of a stack's instances.

    Where there is no PostgreSQL of the stack's major, nothing is proven: every flag is
    unknown, and the remedy says what to install.

    Raises:
        ScratchFailedError: a scratch cluster can't be made.
    """
    major = int(settings.instance.database_version.removeprefix("POSTGRES_"))
    try:
        server = programs.find(major)
    except ProgramsMissingError as error:
        return FlagCheck(settings.stack, str(error), _checked(settings, None))
    with progress.phase(f"Proving on PostgreSQL {server.version}"), prover(server) as on:
        return check_on(settings, on)


def check_on(settings: Settings, on: Prover) -> FlagCheck:
    """Prove the flags of a stack's instances on a scratch cluster that is there."""
    return FlagCheck(settings.stack, "", _checked(settings, on))


def _checked(settings: Settings, on: Prover | None) -> tuple[Checked, ...]:
    primary = settings.instance
    return (
        _check_instance(primary.name, primary.tier, primary.flags, on),
        *(
            _check_instance(replica.name, replica.tier, replica.flags, on)
            for replica in settings.replicas
        ),
    )


def _check_instance(
    name: str, tier: Tier, flags: Sequence[FlagValue], on: Prover | None
) -> Checked:
    budget = reckon(flags, tier.memory_mb)
    hindered = tuple(hindrances({flag.name: flag.value for flag in flags}))
    if on is None:
        return Checked(name, tier.name, None, _unproven(flags), budget, hindered)
    proof = on.prove(flags)
    return Checked(name, tier.name, proof, judge(flags, proof), budget, hindered)


def _unproven(flags: Sequence[FlagValue]) -> tuple[Verdict, ...]:
    why = "not proven: no PostgreSQL here"
    return tuple(Verdict(f.name, f.words, f.value, "", State.UNKNOWN, why) for f in flags)
