"""What passes between the steps: a formula's value, and what becomes of it."""

from dataclasses import dataclass

from infra.flags import FlagValue


@dataclass(frozen=True, slots=True)
class Formula:
    """One flag as a formula gives it, before anybody asks whether Cloud SQL takes it.

    Attributes:
        flag: Its name.
        value: In people's units.
        how: The formula in words.
        source: Whose formula it is.
    """

    flag: str
    value: str
    how: str
    source: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """One proposed flag.

    Attributes:
        formula: Where it comes from.
        value: As the API takes it, within Cloud SQL's limits.
        bounded: Why it is not what the formula says; empty where it is.
    """

    formula: Formula
    value: FlagValue
    bounded: str

    @property
    def flag(self) -> str:
        """The flag's name."""
        return self.formula.flag
