"""The evidence of what is cut short, by Ctrl-C for one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ops.errors import reason


@contextmanager
def in_spite_of(tell: Callable[[str], None]) -> Iterator[None]:
    """Write evidence in the block, while an error is on its way that stays the one that is told.

    Args:
        tell: is told in a line why there is no evidence, where there is none.
    """
    try:
        yield
    except Exception as second:  # noqa: BLE001 - whatever it is, it must not hide the first error
        with suppress(Exception):
            tell(f"No evidence of this drill could be written: {reason(second)}")
