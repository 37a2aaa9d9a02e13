"""What a stack costs a month on both sides, instance by instance and part by part."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from textwrap import fill
from typing import Any

from infra.body import UnmappedInputError, api_path, instance_body
from infra.consequences import DISK_SIZE
from infra.desired import INSTANCE, Desired, DesiredResource
from infra.preview.markdown import escape, table
from ops.console import WIDTH, Table
from ops.prices import book as pricebook
from ops.prices.monthly import Part, Price, PriceChange, difference, monthly

COLUMNS = ("instance", "part", "before", "after", "difference")
NOT_PRICED = "not priced"


@dataclass(frozen=True, slots=True)
class Money:
    """The price a month of one stack, before and after.

    Attributes:
        instances: By the resources' names in the program; those whose price may differ.
        dated: The price book's date.
        age: A sentence where the book is old; else empty.
    """

    instances: Mapping[str, PriceChange]
    dated: date
    age: str

    @property
    def change(self) -> Decimal | None:
        """The difference a month; None where a part that differs has no price."""
        changes = [price.change for price in self.instances.values()]
        if any(change is None for change in changes):
            return None
        return sum((change for change in changes if change is not None), Decimal(0))

    def line(self) -> str:
        """Return the difference in a line, with the book's date."""
        sides = [price.after or price.before for price in self.instances.values()]
        currency = next((price.currency for price in sides if price is not None), "")
        total = "not known" if self.change is None else f"{self.change:+,.2f} {currency} a month"
        unknown = sorted({name for price in self.instances.values() for name in price.unknown})
        left_out = f"; not priced: {', '.join(unknown)}" if unknown else ""
        return f"{total} (list prices of {self.dated}){left_out}"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the totals, then the parts that differ."""
        for name, price in self.instances.items():
            change = "" if price.change is None else f"{price.change:+,.2f}"
            yield (name, "total", _total(price.before), _total(price.after), change)
            for part in price.differing:
                changed = NOT_PRICED if part.change is None else f"{part.change:+,.2f}"
                yield ("", part.name, _part(part.before), _part(part.after), changed)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read on a terminal."""
        line = fill(f"Price: {self.line()}", WIDTH, subsequent_indent="  ")
        return [line, Table("", COLUMNS, tuple(self.rows())), *([self.age] if self.age else [])]

    def markdown(self) -> str:
        """Return the same for a pull request."""
        cells = ([escape(cell) for cell in row] for row in self.rows())
        age = f"\n\n{escape(self.age)}" if self.age else ""
        return f"{escape(f'Price: {self.line()}')}\n\n{table(COLUMNS, cells)}{age}"

    def document(self) -> Mapping[str, object]:
        """Return the facts for machines; amounts as text, exact to the cent."""
        return {
            "change": self.change,
            "dated": self.dated,
            "age": self.age,
            "instances": dict(self.instances),
        }


def money(before: Desired, after: Desired, today: date) -> Money | None:
    """Return the price on both sides; None where no instance's price differs."""
    book = pricebook.load()
    resources = {resource.name: resource for resource in before.of_type(INSTANCE)}
    old = _prices(_bodies(before, {}), book)
    new = _prices(_bodies(after, resources), book)
    changes = {
        name: difference(old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())
    }
    differing = {name: price for name, price in changes.items() if price.differing}
    if not differing:
        return None
    return Money(differing, book.dated, book.warning(today))


def costs(desired: Desired) -> Iterator[str]:
    """Yield what each declared instance costs, in words."""
    for name, price in _prices(_bodies(desired, {}), pricebook.load()).items():
        yield f"{name}: {price.words()}"


def _bodies(
    desired: Desired, resources: Mapping[str, DesiredResource]
) -> dict[str, Mapping[str, Any]]:
    """Return the instances as they will be: what is left alone stays as it is there."""
    bodies: dict[str, Mapping[str, Any]] = {}
    for resource in desired.of_type(INSTANCE):
        with suppress(UnmappedInputError):  # an older program's input; the rest has its price
            body = instance_body(resource)
            if resource.name in resources and DISK_SIZE in map(api_path, resource.ignore_changes):
                size = instance_body(resources[resource.name])["settings"].get("dataDiskSizeGb")
                body["settings"] |= {} if size is None else {"dataDiskSizeGb": size}
            bodies[resource.name] = body
    return bodies


def _prices(bodies: Mapping[str, Mapping[str, Any]], book: pricebook.PriceBook) -> dict[str, Price]:
    by_name = {str(body.get("name", "")): body for body in bodies.values()}
    return {
        name: monthly(body, book, by_name.get(str(body.get("masterInstanceName", ""))))
        for name, body in bodies.items()
    }


def _total(price: Price | None) -> str:
    return "" if price is None else price.words()


def _part(part: Part | None) -> str:
    if part is None:
        return ""
    return f"{NOT_PRICED}: {part.why}" if part.amount is None else f"{part.amount:,.2f}"
