"""A report that somebody else's code wrote, read back as a preview.

The workflow that may comment runs no code of the pull request, so its only word is the
report's JSON: data that anybody can have written. Its size and shape are checked here, and
its Markdown is made anew by our own code, which escapes every value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from infra.changes import Change
from infra.consequences import Consequence, Effect
from infra.preview.difference import Action, ResourceChange
from infra.preview.downtime import Restart
from infra.preview.findings import Memory, PolicyChange
from infra.preview.money import Money
from infra.preview.verdict import Preview, StackPreview, Verdict
from ops.errors import BadInputError
from ops.prices.monthly import PriceChange

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# A report of this project's three stacks is some 20 kB; what is longer nobody can read.
SIZE_LIMIT = 4 * 2**20
STACKS_LIMIT = 100
# No amount of ours needs more; one with a huge exponent would be written out in digits.
AMOUNT_LIMIT = Decimal(10) ** 12
DIGITS_LIMIT = 12  # after the point
SHOWN_PROBLEMS = 5


class BadReportError(BadInputError):
    """A file is no report of a preview."""

    def __init__(self, path: Path, *why: str) -> None:
        more = f"; and {len(why) - SHOWN_PROBLEMS} more" if len(why) > SHOWN_PROBLEMS else ""
        super().__init__(
            f"{path.name} is no report of `invoke preview --out`:"
            f" {'; '.join(why[:SHOWN_PROBLEMS])}{more}. Nothing of it was used."
        )


def read(path: Path) -> Preview:
    """Return the preview that a report.json tells of.

    Raises:
        BadReportError: It can't be read, is too long, or is no report.
    """
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    class Entry(BaseModel):
        model_config = ConfigDict(extra="forbid")

    class ChangeEntry(Entry):
        property: str
        before: str
        after: str
        raw: tuple[str, str] | None
        effect: Effect
        why: str
        source: str

    class ResourceEntry(Entry):
        action: Action
        type: str
        name: str
        loses_data: bool
        refused_by: tuple[str, ...]
        changes: list[ChangeEntry]

    class MoneyEntry(Entry):
        change: Decimal | None
        dated: date
        age: str
        instances: Mapping[str, PriceChange]

    class StackEntry(Entry):
        stack: str
        verdict: Verdict
        note: str
        resources: list[ResourceEntry]
        secrets_changed: tuple[str, ...]
        restarts: tuple[Restart, ...]
        circumstances: tuple[str, ...]
        money: MoneyEntry | None
        policy: tuple[PolicyChange, ...]
        memory: tuple[Memory, ...]
        drill: str
        engine: Mapping[str, str] | None
        doubts: tuple[str, ...]

    class Report(Entry):
        before: str
        after: str
        verdict: Verdict
        stacks: list[StackEntry] = Field(min_length=1, max_length=STACKS_LIMIT)

    def change(entry: ChangeEntry) -> Change:
        judged = Consequence(entry.effect, entry.why, entry.source)
        return Change(entry.property, entry.before, entry.after, entry.effect, judged, entry.raw)

    def resource(entry: ResourceEntry) -> ResourceChange:
        changes = tuple(map(change, entry.changes))
        return ResourceChange(
            action=entry.action,
            type=entry.type,
            name=entry.name,
            changes=changes,
            loses_data=entry.loses_data,
            before=None,
            after=None,
            refused_by=entry.refused_by,
        )

    def money(entry: MoneyEntry | None) -> Money | None:
        return None if entry is None else Money(entry.instances, entry.dated, entry.age)

    def stack(entry: StackEntry) -> StackPreview:
        return StackPreview(
            entry.stack,
            entry.verdict,
            entry.note,
            tuple(map(resource, entry.resources)),
            entry.secrets_changed,
            entry.restarts,
            entry.circumstances,
            money(entry.money),
            entry.policy,
            entry.memory,
            entry.drill,
            entry.engine,
            entry.doubts,
        )

    try:
        report = Report.model_validate_json(_bytes(path))
    except ValidationError as error:
        raise BadReportError(path, *map(_sentence, error.errors(include_input=False))) from None
    stacks = tuple(map(stack, report.stacks))
    if not all(map(_sane, _amounts([stack_entry.money for stack_entry in stacks]))):
        raise BadReportError(path, "an amount of money is none")
    return Preview(report.before, report.after, stacks, frozenset())


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise BadReportError(path, error.strerror or type(error).__name__) from error
    if len(content) > SIZE_LIMIT:
        raise BadReportError(path, f"it is longer than {SIZE_LIMIT:,} bytes")
    return content


def _amounts(value: object) -> Iterator[Decimal]:
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _amounts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _amounts(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _amounts(getattr(value, field.name))


def _sane(amount: Decimal) -> bool:
    if not amount.is_finite() or abs(amount) >= AMOUNT_LIMIT:
        return False
    return amount == round(amount, DIGITS_LIMIT)


def _sentence(detail: "ErrorDetails") -> str:
    """Return where it is wrong and how, without its words: they are anybody's."""
    parts = (str(part) for part in detail["loc"])
    where = ".".join(part if part.isidentifier() else "*" for part in parts)
    return f"{where[:100] or 'the file'}: {detail['type'].replace('_', ' ')}"
