"""The price book: dated figures with their sources, from one file."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import yaml

from ops.errors import BadInputError
from ops.yamlkeys import load_unique

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE = Path(__file__).with_name("prices.yaml")
STALE = timedelta(days=180)  # half a year in which nobody looked the figures up


class Bought(StrEnum):
    """What an instance is billed for."""

    VCPU = "vcpu"
    MEMORY = "memory"
    SSD = "ssd"
    BACKUP = "backup"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Figure:
    """One list price.

    Attributes:
        part: What is bought.
        unit: Of which the price buys one, as ``vCPU-hour``.
        region: Where it is valid.
        edition: For which instances.
        price: In the book's currency.
        sku: Its name in the price list.
        source: URL of the price list.
        availability: ZONAL or REGIONAL; None where both cost the same.
    """

    part: Bought
    unit: str
    region: str
    edition: str
    price: Decimal
    sku: str
    source: str
    availability: str | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """What a commitment takes off vCPUs and memory.

    Attributes:
        years: For which one commits.
        percent: Off the list price.
        source: URL.
    """

    years: int
    percent: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All figures.

    Attributes:
        dated: Since when nobody has looked them up again.
        currency: Of every price, as ``USD``.
        source: URL of the list that they are copies of.
        figures: The list prices.
        discounts: Of commitments.
    """

    dated: date
    currency: str
    source: str
    figures: tuple[Figure, ...]
    discounts: tuple[Discount, ...]

    def price(self, part: Bought, region: str, edition: str, availability: str) -> Figure | None:
        """Return the figure that an instance pays for a part; None where there is none."""
        for figure in self.figures:
            where = (figure.part, figure.region, figure.edition)
            if where == (part, region, edition) and figure.availability in {None, availability}:
                return figure
        return None

    def warning(self, today: date) -> str:
        """Return a sentence about a book that is too old to be trusted; empty if it is not."""
        age = today - self.dated
        if age <= STALE:
            return ""
        return (
            f"The prices are of {self.dated} and {age.days} days old: check them against"
            f" {self.source} and correct ops/prices/prices.yaml."
        )


class PriceBookError(BadInputError):
    """The price book can't be read; every problem is told."""

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{path.name} can't be used. Correct it:\n{listed}")


def load(path: Path = FILE) -> PriceBook:
    """Return the price book of a file.

    Raises:
        PriceBookError: It can't be read; every problem is told.
    """
    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

    words = Annotated[str, Field(min_length=1)]
    # Text: a number of YAML is a binary fraction, and 0.0413 has none.
    amount = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]
    url = Annotated[str, Field(pattern=r"^https://\S+$")]

    class Entry(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)

    class FigureEntry(Entry):
        part: Annotated[Bought, Field(strict=False)]
        unit: words
        region: words
        edition: words
        availability: Annotated[str, Field(pattern="^(ZONAL|REGIONAL)$")] | None = None
        price: amount
        sku: words
        source: url

    class DiscountEntry(Entry):
        years: Annotated[int, Field(gt=0)]
        percent: amount
        source: url

    class Book(Entry):
        dated: date
        currency: words
        source: url
        figures: list[FigureEntry]
        commitments: list[DiscountEntry]

    try:
        book = TypeAdapter(Book).validate_python(load_unique(path.read_text(encoding="utf-8")))
    except ValidationError as error:  # a ValueError, as the others are
        raise PriceBookError(path, tuple(map(_sentence, error.errors()))) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PriceBookError(path, (str(error),)) from error
    figures = tuple(
        Figure(
            entry.part,
            entry.unit,
            entry.region,
            entry.edition,
            Decimal(entry.price),
            entry.sku,
            entry.source,
            entry.availability,
        )
        for entry in book.figures
    )
    if twice := _twice(figures):
        raise PriceBookError(path, twice)
    discounts = tuple(
        Discount(discount.years, Decimal(discount.percent), discount.source)
        for discount in book.commitments
    )
    return PriceBook(book.dated, book.currency, book.source, figures, discounts)


def _twice(figures: tuple[Figure, ...]) -> tuple[str, ...]:
    seen = [(figure.part, figure.region, figure.edition, figure.availability) for figure in figures]
    return tuple(
        f"{part} in {region} ({edition}, {availability or 'both'}) has two prices."
        for part, region, edition, availability in sorted(
            {item for item in seen if seen.count(item) > 1}, key=str
        )
    )


def _sentence(detail: "ErrorDetails") -> str:
    where = ", ".join(str(part + 1 if isinstance(part, int) else part) for part in detail["loc"])
    message = detail["msg"]
    return f"{where or 'the file'}: {message[0].lower()}{message[1:]}."
