"""How two stacks differ: no change is meant, so nothing is judged."""

from infra.preview.difference import differences
from infra.preview.revision import sides
from infra.preview.verdict import Preview, StackPreview, Verdict
from infra.stackfile import ROOT, UnknownStackError, stacks


def between(first: str, second: str) -> Preview:
    """Return how a second stack differs from a first one.

    Raises:
        UnknownStackError: One of them is none.
    """
    known = stacks(ROOT)
    for name in (first, second):
        if name not in known:
            raise UnknownStackError(name, known)
    both = sides(ROOT, (first, second))
    pair = f"{first} and {second}"
    failed = [f"{name}: {side.error}" for name, side in both.items() if side.error]
    if failed:
        stack_preview = StackPreview(pair, Verdict.UNKNOWN, note="; ".join(failed))
        return Preview(first, second, (stack_preview,), frozenset())
    old, new = both[first].desired, both[second].desired
    assert old is not None  # noqa: S101 - a side without it failed
    assert new is not None  # noqa: S101 - as above
    changes = differences(old, new)
    verdict = Verdict.DIFFERS if changes else Verdict.NO_CHANGE
    stack_preview = StackPreview(pair, verdict, changes=changes)
    return Preview(first, second, (stack_preview,), frozenset())
