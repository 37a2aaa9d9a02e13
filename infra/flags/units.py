"""PostgreSQL's number-and-unit grammar: "2.5GB" to 327680 pages, and back.

The rules are those of ``parse_int``, ``parse_real`` and ``convert_to_base_unit``
in PostgreSQL 15's ``src/backend/utils/misc/guc.c``, so that what we send is what
PostgreSQL itself would have made of the same words.
"""

import math
import re
from decimal import Decimal

KIB = 1024
BLOCK_BYTES = 8 * KIB  # BLCKSZ of every Cloud SQL build

# Sizes in bytes and times in microseconds, largest first, spelled as PostgreSQL spells
# them (case matters to it: "mb" is no unit).
MEMORY: dict[str, int] = {"TB": KIB**4, "GB": KIB**3, "MB": KIB**2, "kB": KIB, "B": 1}
TIME: dict[str, int] = {
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "min": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}
# What one step of the API's bare number means, in bytes or microseconds.
BASE_UNITS: dict[str, int] = {
    "B": 1,
    "kB": KIB,
    "8kB": BLOCK_BYTES,
    "MB": KIB**2,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
}
INT_MAX = 2**31 - 1
INT_MIN = -(2**31)

# strtol with base 0 (hexadecimal, octal, decimal), else strtod.
_NUMBER = re.compile(
    r"""\s*(?P<sign>[+-]?)
        (?:(?P<hex>0[xX][0-9a-fA-F]+)
          |(?P<real>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?))
        \s*(?P<unit>\S*)\s*""",
    re.VERBOSE,
)


class NotANumberError(ValueError):
    """The words are no number with a unit that fits; the text says what would be."""


def units_of(base: str) -> dict[str, int]:
    """Return the units that a flag of this base unit takes, largest first."""
    return MEMORY if base in {"B", "kB", "8kB", "MB"} else TIME


def _to_base(amount: float, unit: str, base: str) -> float:
    """Convert as ``convert_to_base_unit`` does, rounding fractions to the next smaller unit."""
    table = units_of(base)
    if unit not in table:
        known = ", ".join(reversed(table))
        message = f"its units are {known} (as spelled)"
        raise NotANumberError(message)
    names = list(table)

    def multiplier(name: str) -> float:
        size, step = table[name], BASE_UNITS[base]
        return size / step if size >= step else 1.0 / (step / size)

    value = amount * multiplier(unit)
    position = names.index(unit) + 1
    if position < len(names):
        smaller = multiplier(names[position])
        value = round(value / smaller) * smaller
    return value


def _parse(text: str, base: str) -> tuple[float, bool]:
    """Return the number in base units, and whether it was written as a plain integer."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        message = "it is no number" + (" with a unit" if base else "")
        raise NotANumberError(message)
    digits = match["hex"] or match["real"]
    plain = bool(match["hex"]) or digits.isdigit()
    if match["hex"]:
        amount: float = int(digits, 16)
    elif plain and len(digits) > 1 and digits.startswith("0") and set(digits) <= set("01234567"):
        amount = int(digits, 8)
    else:
        amount = float(digits)
    if not math.isfinite(amount):
        message = "it is larger than any number PostgreSQL takes"
        raise NotANumberError(message)
    amount = -amount if match["sign"] == "-" else amount
    if match["unit"]:
        if not base:
            message = "it takes a bare number, without a unit"
            raise NotANumberError(message)
        amount = _to_base(amount, match["unit"], base)
    return amount, plain


def parse_integer(text: str, base: str = "") -> int:
    """Return an integer setting's value in its base unit, rounded as PostgreSQL rounds.

    Args:
        text: What a person wrote: ``"2.5GB"``, ``"30s"``, ``"100"``.
        base: The setting's base unit (``8kB``, ``kB``, ``MB``, ``B``, ``ms``, ``s``,
            ``min``), or nothing for a plain number.

    Raises:
        NotANumberError: The words are no number, the unit is none of its, a count has a
            fraction, or the result does not fit 32 bits.
    """
    amount, _ = _parse(text, base)
    if not base and amount != int(amount):
        # PostgreSQL would round it; who writes a fraction of a count means something else
        message = "it is no whole number"
        raise NotANumberError(message)
    value = round(amount)  # half to even, as C's rint
    if not INT_MIN <= value <= INT_MAX:
        message = "it does not fit PostgreSQL's 32-bit integers"
        raise NotANumberError(message)
    return value


def parse_float(text: str, base: str = "") -> float:
    """Return a floating-point setting's value in its base unit; see parse_integer."""
    amount, _ = _parse(text, base)
    return amount


def in_units(value: int, base: str) -> str:
    """Return a base-unit number in the unit that people would write: 327680 -> "2.5 GB".

    The largest unit that says it exactly with at most one decimal; PostgreSQL reads the
    words back to the same number. Zero and the negative special values stay bare.
    """
    if not base or value <= 0:
        return str(value)
    exact = Decimal(value) * BASE_UNITS[base]
    for unit, size in units_of(base).items():
        amount = exact / size
        if amount >= 1 and amount * 10 == (amount * 10).to_integral_value():
            return f"{_shortest(amount)} {unit}"
    return str(value)


def _shortest(amount: Decimal) -> str:
    rounded = amount.to_integral_value()
    return str(int(rounded)) if amount == rounded else f"{amount:.1f}"
