"""What sessions of a running instance begin with in place of its flags, and the memory for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.flags.budget import Budget, reckon
from infra.flags.catalogue import catalogue
from infra.flags.memory import HASH_MEM_MULTIPLIER
from infra.flags.units import NotANumberError, parse_float, parse_integer
from infra.flags.values import FlagValue
from infra.rolesettings import COLUMNS, RoleSettings
from ops.checks.result import State
from ops.console import Table
from ops.sessions import Setting

# Settings of a session that the memory budget counts; hash_mem_multiplier is no Cloud SQL flag.
_COUNTED = (
    "work_mem",
    "temp_buffers",
    "maintenance_work_mem",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_parallel_maintenance_workers",
)
_MULTIPLIER = "hash_mem_multiplier"


@dataclass(frozen=True, slots=True)
class Running:
    """Settings of roles and databases, where the stack's instance runs.

    Attributes:
        settings: What was read.
        largest: Of each setting that takes memory the largest, as it was given, where it is more
            than the flag's.
        budget: What the flags need with these in every session; None where there are none.
    """

    settings: RoleSettings
    largest: Mapping[str, str]
    budget: Budget | None

    @property
    def state(self) -> State:
        """Whether nobody set anything; what could not be read is unknown."""
        return self.settings.state

    def document(self) -> Mapping[str, object]:
        """Return the facts for JSON."""
        return {
            **self.settings.document(),
            "largest": self.largest,
            "memory_with_largest": None if self.budget is None else self.budget.document(),
        }

    def blocks(self) -> Iterator[Table | str]:
        """Yield what people read."""
        what = "Settings of roles and databases, which sessions begin with in place of the flags"
        if self.settings.passed_over:
            yield f"NOT LOOKED AT: {what}. {self.settings.passed_over}"
        elif self.settings.unread:
            yield f"COULD NOT TELL: {what}. {self.settings.unread}"
        elif not self.settings.undeclared:
            yield f"{what}: none on the running instance that sql/roles does not declare."
        else:
            yield Table(f"NOBODY DECLARED: {what}", COLUMNS, self.settings.rows())
        if self.budget is not None:
            named = ", ".join(f"{name} {value}" for name, value in self.largest.items())
            yield f"With {named} in every session: {self.budget.sentence}"


def weigh(settings: RoleSettings, flags: Sequence[FlagValue], memory_mb: int) -> Running:
    """Return what roles and databases set, with the memory that it may take.

    Args:
        settings: Of the running instance.
        flags: That its stack declares.
        memory_mb: The tier's memory, in MiB.
    """
    declared = {flag.name: flag.value for flag in flags}
    most: dict[str, tuple[float, str]] = {}
    for undeclared in settings.undeclared:
        name, value = undeclared.setting.name, undeclared.setting.value
        amount = _amount(undeclared.setting)
        if amount is not None and amount > max(
            _declared(name, declared), most.get(name, (0, ""))[0]
        ):
            most[name] = (amount, value)
    largest = {name: value for name, (_, value) in most.items()}
    if not most:
        return Running(settings, largest, None)
    raised = [flag for flag in flags if flag.name not in most]
    raised += [
        FlagValue(name, _written(amount), restart=False) for name, (amount, _) in most.items()
    ]
    return Running(settings, largest, reckon(raised, memory_mb))


def _amount(setting: Setting) -> float | None:
    """Return a setting's value in its base unit; None where the budget does not count it."""
    try:
        if setting.name == _MULTIPLIER:
            return parse_float(setting.value)
        if setting.name in _COUNTED:
            return parse_integer(setting.value, catalogue()[setting.name].unit)
    except NotANumberError:
        return None
    return None


def _written(amount: float) -> str:
    return str(int(amount)) if amount == int(amount) else str(amount)


def _declared(name: str, flags: Mapping[str, str]) -> float:
    if name == _MULTIPLIER:
        return HASH_MEM_MULTIPLIER
    return float(flags.get(name, catalogue()[name].default))
