"""What a drill's copies cost at most, from the price book, before any of them is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal

from ops import durations
from ops.cloudsql import Body, Instance
from ops.errors import OpsError
from ops.prices.book import PriceBook
from ops.prices.monthly import CENT, HOURS, Part, monthly
from ops.restore.copies import CopyPlan, Kind
from ops.shortlived import copy_body

_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """What the copies cost if all of them live until the drill's time limit.

    Attributes:
        amount: of all copies; None where a part of their price is not in the book.
        currency: the price book's.
        copies: how many.
        seconds: how long each lives at most.
        dated: the price book's date.
        unpriced: why the amount is not known, or what it leaves out.
    """

    amount: Decimal | None
    currency: str
    copies: int
    seconds: float
    dated: date
    unpriced: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """Return what machines read; the amount as text, exact to the cent."""
        return {
            "at_most": None if self.amount is None else str(self.amount),
            "currency": self.currency,
            "copies": self.copies,
            "hours": round(self.seconds / _HOUR_S, 3),
            "dated": self.dated,
            "unpriced": self.unpriced,
        }

    def words(self) -> str:
        """Return it in a line."""
        many = "1 copy" if self.copies == 1 else f"{self.copies} copies"
        lives = f"{many} for up to {durations.words(self.seconds)}"
        if self.amount is None:
            return f"Cost of {lives}: not known ({'; '.join(self.unpriced)})"
        return (
            f"Cost on Cloud SQL: at most {self.amount:,.2f} {self.currency}, {lives} "
            f"(list prices of {self.dated})"
        )


class CostCapError(OpsError):
    """The copies may cost more than they are allowed to."""

    def __init__(self, cost: Cost, cap: Decimal) -> None:
        super().__init__(
            f"{cost.words()}. That is over the cap of {cap:,.2f} {cost.currency}: nothing was "
            "made. Raise --cost-cap or the stack's drillCostCapUsd, shorten --time-limit, or "
            "restore less with --latest."
        )


class UnpricedError(OpsError):
    """There is a cap, and nobody knows what the copies cost."""

    def __init__(self, cost: Cost, cap: Decimal) -> None:
        super().__init__(
            f"{cost.words()}. There is a cap of {cap:,.2f} {cost.currency}, so nothing was made. "
            "Add the figure to ops/prices/prices.yaml, or drill without a cap: --cost-cap 0."
        )


def estimate(source: Instance, copies: Sequence[CopyPlan], seconds: float, book: PriceBook) -> Cost:
    """Return what copies of an instance cost at most.

    A restored backup is zonal, a clone is what the source is. What is billed by use (egress,
    and backups, which copies don't take) is left out.

    Args:
        source: the instance.
        copies: what is to be made.
        seconds: how long each lives at most.
        book: the price book.
    """
    total, unpriced = Decimal(0), dict[str, None]()
    for copy in copies:
        price = monthly(_body(source, copy), book)
        unpriced |= dict.fromkeys(_missing(price.unpriced))
        total += price.total / HOURS * Decimal(seconds) / _HOUR_S
    amount = None if unpriced else total.quantize(CENT, ROUND_UP)
    return Cost(amount, book.currency, len(copies), seconds, book.dated, tuple(unpriced))


def hold(cost: Cost | None, cap: Decimal | None) -> None:
    """Refuse copies that may cost more than a cap; None and 0 are no cap.

    Raises:
        CostCapError: they may.
        UnpricedError: nobody knows.
    """
    if cost is None or not cap:
        return
    if cost.amount is None:
        raise UnpricedError(cost, cap)
    if cost.amount > cap:
        raise CostCapError(cost, cap)


def _body(source: Instance, copy: CopyPlan) -> Body:
    if copy.kind is Kind.CLONE:
        return {**source.body, "name": copy.name}
    return copy_body(source, copy.name, {})


def _missing(parts: Sequence[Part]) -> Iterator[str]:
    return (f"{part.name}: {part.why}" for part in parts if not part.by_use)
