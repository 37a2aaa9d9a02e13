"""Database flags as people write them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from infra.flags import FlagValue, compile_flags, misfits
from infra.flags.budget import Level, reckon
from infra.settings.keys import Keys, Rule, key, keys
from ops.tiers import BadTierError, parse_tier

if TYPE_CHECKING:
    from infra.settings.declared import Declared

IAM_FLAG = "cloudsql.iam_authentication"


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float):
        message = "A flag is a word, a number, true or false"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueErrors
    return value


FlagEntry = Annotated[Any, AfterValidator(_scalar)]


class FlagKeys(Keys):
    """Keys that become database flags."""

    flags: dict[str, FlagEntry] = Field({}, description="Database flags, in people's units.")
    iam_authentication: bool = Field(
        default=True, description=f"Whether IAM users may log in: the flag {IAM_FLAG}."
    )


def words(d: "Declared", more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return every flag of the instance in people's units, under those of a replica."""
    iam = {IAM_FLAG: True} if d.iam_authentication else {}
    return iam | d.flags | dict(more or {})


def major(d: "Declared") -> int:
    """Return PostgreSQL's major version."""
    return int(d.database_version.removeprefix("POSTGRES_"))


def compiled(d: "Declared") -> tuple[FlagValue, ...]:
    """Return the instance's flags in the API's units, in order of their names."""
    good, _ = compile_flags(words(d), parse_tier(d.tier, d.edition).memory_mb)
    return good


def _flags(d: "Declared") -> Iterator[str]:
    try:
        memory_mb = parse_tier(d.tier, d.edition).memory_mb
    except BadTierError:
        memory_mb = None  # told by the tier's own rule; the rest of the flags' ranges still holds
    good, wrong = compile_flags(d.flags, memory_mb)
    yield from (f"{key('flags')}: {error}" for error in (*wrong, *misfits(good, major(d))))


def _iam_twice(d: "Declared") -> Iterator[str]:
    if IAM_FLAG in d.flags:
        yield (
            f"{key('flags')}: {IAM_FLAG} has a key of its own. Leave it out, and set"
            f" {key('iam_authentication')}."
        )


def _memory(d: "Declared") -> Iterator[str]:
    try:
        memory_mb = parse_tier(d.tier, d.edition).memory_mb
    except BadTierError:
        return  # told by the tier's own rule
    budget = reckon(compile_flags(words(d), memory_mb)[0], memory_mb)
    if budget.level is Level.OVER:
        yield f"{key('flags')}: {budget.sentence}"


RULES: tuple[Rule, ...] = (
    (keys("database_version", "tier", "edition", "flags"), _flags),
    (keys("tier", "edition", "flags"), _memory),
    (keys("flags"), _iam_twice),
)
