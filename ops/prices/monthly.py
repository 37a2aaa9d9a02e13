"""What an instance costs a month, by part, and what a change of it costs.

Pure reckoning over an instance as an Admin API body and the price book. What the book has
no figure for, or what depends on use, is not priced: never nothing, never guessed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ops.prices.book import Bought, Discount, Figure, PriceBook
from ops.tiers import BadTierError, parse_tier

# https://cloud.google.com/sql/pricing reckons a month as 730 hours (8760 / 12).
HOURS = Decimal(730)
CENT = Decimal("0.01")
_Bought = Callable[[Bought], Figure | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an instance's price.

    Attributes:
        name: As ``vCPU``, ``memory``, ``disk``.
        quantity: How many units a month; None where nobody knows beforehand.
        unit: As ``vCPU-hour``.
        unit_price: Of one unit; None where the book has none.
        amount: A month, to the cent; None where it is not priced.
        why: Why it is not priced, or what there is to know.
        by_use: Whether it is billed by what is used, so that nobody can price it beforehand.
    """

    name: str
    quantity: Decimal | None
    unit: str
    unit_price: Decimal | None
    amount: Decimal | None
    why: str = ""
    by_use: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What one instance costs a month.

    Attributes:
        parts: In the order of the bill: the machine, its disk, addresses, what depends on use.
        currency: Of all amounts.
        dated: The price book's date.
        commitments: The discounts that can be had.
    """

    parts: tuple[Part, ...]
    currency: str
    dated: date
    commitments: tuple[Discount, ...] = ()

    @property
    def total(self) -> Decimal:
        """Return the sum of what is priced: at least so much a month."""
        return sum((part.amount for part in self.parts if part.amount is not None), Decimal(0))

    @property
    def unpriced(self) -> tuple[Part, ...]:
        """Return what the total leaves out."""
        return tuple(part for part in self.parts if part.amount is None)

    def words(self) -> str:
        """Return the total as people read it."""
        if all(part.amount is None for part in self.parts):
            return "not priced"
        least = "at least " if self.unpriced else ""
        return f"{least}{self.total:,.2f} {self.currency} a month"


@dataclass(frozen=True, slots=True)
class PartChange:
    """One part before and after.

    Attributes:
        name: Of the part.
        before: The part before; None where there was none.
        after: The part after; None where there is none.
        change: Of the amount a month; None where one side is not priced.
    """

    name: str
    before: Part | None
    after: Part | None
    change: Decimal | None


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a change costs.

    Attributes:
        before: The price before; None where there was no instance.
        after: The price after; None where there is none.
        parts: Every part of either side.
    """

    before: Price | None
    after: Price | None
    parts: tuple[PartChange, ...]

    @property
    def differing(self) -> tuple[PartChange, ...]:
        """Return the parts that a reader wants to see: all but those that stay the same."""
        return tuple(part for part in self.parts if part.before != part.after)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the names of parts that differ and have no price on one side or both."""
        return tuple(part.name for part in self.differing if part.change is None)

    @property
    def change(self) -> Decimal | None:
        """Return the difference a month, without what is billed by use.

        None where a part that differs has no price: the difference of the totals would be
        of different things.
        """
        sides = (side for part in self.differing for side in (part.before, part.after))
        if any(side and side.amount is None and not side.by_use for side in sides):
            return None
        return sum((part.change for part in self.parts if part.change is not None), Decimal(0))

    def words(self) -> str:
        """Return the difference as people read it."""
        side = self.after or self.before
        if side is None:
            return ""
        left_out = f"; not priced: {', '.join(self.unknown)}" if self.unknown else ""
        if self.change is None:
            return f"not known{left_out}"
        return f"{self.change:+,.2f} {side.currency} a month{left_out}"


def monthly(
    body: Mapping[str, Any], book: PriceBook, source: Mapping[str, Any] | None = None
) -> Price:
    """Return what one instance costs a month (of 730 hours).

    Args:
        body: The instance as an Admin API body: a primary, a read replica or a read pool.
        book: The price book.
        source: The instance that a replica follows: its disk is as large where the body
            declares no size.
    """
    parts = tuple(_parts(body, book, source or {}))
    return Price(parts, book.currency, book.dated, book.discounts)


def difference(before: Price | None, after: Price | None) -> PriceChange:
    """Return what lies between two prices, by part; None is no instance, which costs nothing."""
    parts_before = {part.name: part for part in before.parts} if before else {}
    then = {part.name: part for part in after.parts} if after else {}
    return PriceChange(
        before,
        after,
        tuple(
            PartChange(
                name,
                parts_before.get(name),
                then.get(name),
                _change(parts_before.get(name), then.get(name)),
            )
            for name in dict.fromkeys((*then, *parts_before))
        ),
    )


def _known(part: Part | None) -> bool:
    return part is None or part.amount is not None


def _change(before: Part | None, after: Part | None) -> Decimal | None:
    if not _known(before) or not _known(after):
        return None
    nothing = Decimal(0)
    was = nothing if before is None else before.amount or nothing
    return (nothing if after is None else after.amount or nothing) - was


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _parts(body: Mapping[str, Any], book: PriceBook, source: Mapping[str, Any]) -> Iterator[Part]:
    settings = body.get("settings") or {}
    region, edition = str(body.get("region", "")), str(settings.get("edition", ""))
    # The API's default of what a body may leave out.
    availability = str(settings.get("availabilityType") or "ZONAL")
    nodes = Decimal(int(body.get("nodeCount") or 1))

    def bought(part: Bought) -> Figure | None:
        return book.price(part, region, edition, availability)

    missing = f"no price for {edition or 'an unknown edition'} in {region or 'an unknown region'}"
    yield from _machine(settings, nodes, bought, missing)
    yield _disk(settings, source.get("settings") or {}, nodes, bought, missing)
    if (settings.get("ipConfiguration") or {}).get("ipv4Enabled"):
        yield _priced("public address", nodes * HOURS, bought(Bought.ADDRESS), missing)
    yield from _by_use(body, settings, bought)


def _machine(
    settings: Mapping[str, Any], nodes: Decimal, bought: _Bought, missing: str
) -> Iterator[Part]:
    hours, why = HOURS, ""
    if settings.get("activationPolicy") == "NEVER":
        hours, why = Decimal(0), "stopped"
    name = str(settings.get("tier", ""))
    try:
        tier = parse_tier(name, str(settings.get("edition", "")))
    except BadTierError:
        unknown = f"the size of tier {name} is not known"
        yield _unpriced("vCPU", "vCPU-hour", unknown)
        yield _unpriced("memory", "GB-hour", unknown)
        return
    vcpus, memory = tier.vcpus * nodes, Decimal(tier.memory_mb) / 1024 * nodes
    yield _priced("vCPU", vcpus * hours, bought(Bought.VCPU), missing, why)
    yield _priced("memory", memory * hours, bought(Bought.MEMORY), missing, why)


def _disk(
    settings: Mapping[str, Any],
    source: Mapping[str, Any],
    nodes: Decimal,
    bought: _Bought,
    missing: str,
) -> Part:
    kind = str(settings.get("dataDiskType") or "PD_SSD")  # the API's default
    size = str(settings.get("dataDiskSizeGb") or source.get("dataDiskSizeGb") or "")
    if kind != "PD_SSD":
        return _unpriced("disk", "GB-month", f"no price for {kind}")
    if not size.isdecimal():
        return _unpriced("disk", "GB-month", "its size is not declared")
    return _priced("disk", Decimal(size) * nodes, bought(Bought.SSD), missing)


def _by_use(
    body: Mapping[str, Any], settings: Mapping[str, Any], bought: _Bought
) -> Iterator[Part]:
    """Yield what is billed by what is used: there is no quantity beforehand."""
    backups = settings.get("backupConfiguration") or {}
    if backups.get("enabled"):
        retained = (backups.get("backupRetentionSettings") or {}).get("retainedBackups")
        clause = f"{retained} are kept" if retained else "how many are kept is not declared"
        figure = bought(Bought.BACKUP)
        each = f", {figure.price} a GB" if figure else ""
        yield _unpriced("backups", "GB-month", f"by what they hold ({clause}{each})", by_use=True)
    if (settings.get("dataCacheConfig") or {}).get("dataCacheEnabled"):
        yield _unpriced("data cache", "GB-month", "not in the price book")
    if (body.get("diskEncryptionConfiguration") or {}).get("kmsKeyName"):
        yield _unpriced("encryption key", "use", "by its use", by_use=True)
    yield _unpriced("network egress", "GB", "by what is sent", by_use=True)


def _priced(
    name: str, quantity: Decimal, figure: Figure | None, missing: str, why: str = ""
) -> Part:
    if figure is None:
        return Part(name, quantity, "", None, None, missing)
    amount = _cents(quantity * figure.price)
    return Part(name, quantity, figure.unit, figure.price, amount, why)


def _unpriced(name: str, unit: str, why: str, *, by_use: bool = False) -> Part:
    return Part(name, None, unit, None, None, why, by_use)
