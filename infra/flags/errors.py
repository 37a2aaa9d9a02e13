"""What can be wrong with a flag, as sentences."""

from collections.abc import Sequence

from infra.flags.catalogue import Flag
from infra.flags.elsewhere import remedy
from ops.errors import BadInputError


class FlagError(BadInputError):
    """A flag that Cloud SQL would refuse."""


class UnknownFlagError(FlagError):
    """Cloud SQL has no flag of this name."""

    def __init__(self, name: str, closest: Sequence[str]) -> None:
        hint = f" Did you mean {' or '.join(closest)}?" if closest else ""
        super().__init__(f"Cloud SQL for PostgreSQL 15 has no database flag {name}.{hint}")


class NotACloudSqlFlagError(FlagError):
    """PostgreSQL has the setting, Cloud SQL does not take it as a flag."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a PostgreSQL setting but no Cloud SQL flag. {remedy(name)}")


class RemovedFlagError(FlagError):
    """The instance's major version has the flag no longer."""

    def __init__(self, flag: Flag, major: int) -> None:
        super().__init__(
            f"{flag.name}: the instance is to be PostgreSQL {major}, and PostgreSQL removed it"
            f" after PostgreSQL {flag.until}. Leave it out."
        )


class MissingSwitchError(FlagError):
    """The flag belongs to a library that the set does not load."""

    def __init__(self, flag: Flag, switch: str) -> None:
        super().__init__(f"{flag.name} does nothing without {switch}. Set that to on.")


class FlagValueError(FlagError):
    """The value is not of the flag's type."""

    def __init__(self, flag: Flag, value: object, why: str) -> None:
        super().__init__(f"{flag.name}: {value!s} is not a value it takes: {why}.")


class FlagRangeError(FlagError):
    """The value lies outside what Cloud SQL takes."""

    def __init__(self, flag: Flag, value: object, low: str, high: str, source: str) -> None:
        super().__init__(
            f"{flag.name}: {value!s} is out of range."
            f" Choose a value from {low} to {high} (source: {source})."
        )
