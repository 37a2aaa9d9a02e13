"""Compares two sides of every stack, and says what the change comes to."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from infra.desired import Desired
from infra.preview import drills, engine
from infra.preview.difference import differences, secrets_changed
from infra.preview.downtime import circumstances, restarts
from infra.preview.findings import memory, policy_changes
from infra.preview.money import costs, money
from infra.preview.revision import Side, resolve, sides, unpacked, untouched
from infra.preview.verdict import Preview, StackPreview, Verdict, decide
from infra.settings import ChangeWindow, SettingsError, load
from infra.stackfile import ROOT, StackFileError, UnknownStackError, stacks
from ops import target as targets
from ops.errors import BadInputError
from ops.store import Store

WORKING_TREE = "the working tree"
NOTHING = Desired((), {})


def against_base(
    base: str,
    names: tuple[str, ...],
    failing: frozenset[Verdict],
    *,
    root: Path = ROOT,
    with_engine: bool = False,
) -> Preview:
    """Compare the working tree with a base revision.

    Args:
        base: Branch, tag or commit.
        names: The stacks; none for all that one of the sides has.
        failing: Verdicts that are findings.
        root: The project's folder.
        with_engine: Whether to ask `pulumi preview` too.

    Raises:
        NoRevisionError: There is no such base.
        NoRepositoryError: There is no repository.
        UnknownStackError: A stack is on neither side.
    """
    commit = resolve(root, base)
    before = f"{base} ({commit[:10]})"
    if untouched(root, commit) and not with_engine:
        asked = _asked(names, stacks(root))
        same = tuple(StackPreview(name, Verdict.NO_CHANGE) for name in asked)
        return Preview(before, WORKING_TREE, same, failing)
    with ExitStack() as opened:
        tree = opened.enter_context(unpacked(root, commit))
        asked = _asked(names, tuple(sorted({*stacks(root), *stacks(tree)})))
        with ThreadPoolExecutor(max_workers=2) as together:
            old = together.submit(sides, tree, asked)
            new = together.submit(sides, root, asked)
            found = old.result(), new.result()
    now = datetime.now(UTC)
    said = tuple(
        _stack(name, found[0].get(name), found[1].get(name), root, now, with_engine=with_engine)
        for name in asked
    )
    return Preview(before, WORKING_TREE, said, failing)


def _asked(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise UnknownStackError(name, known)
    return names or known


def _stack(
    name: str,
    before: Side | None,
    after: Side | None,
    root: Path,
    now: datetime,
    *,
    with_engine: bool,
) -> StackPreview:
    if before is None or after is None:
        return _one_sided(name, before, after)
    secrets = secrets_changed(before.secrets, after.secrets)
    failed = [
        f"the program fails {where}: {side.error}"
        for where, side in (("at the base", before), ("in the working tree", after))
        if side.desired is None
    ]
    if failed:
        return _failed(name, failed, before.desired or after.desired, secrets)
    assert before.desired is not None  # noqa: S101 - a side without it failed
    assert after.desired is not None  # noqa: S101 - as above
    return compared(
        name,
        before,
        after,
        secrets=secrets,
        window=_window(name, root),
        store=_store(name),
        now=now,
        steps=engine.steps(name, root) if with_engine else None,
    )


def _failed(
    name: str,
    why: list[str],
    other: Desired | None,
    secrets: tuple[str, ...],
) -> StackPreview:
    """Say which side fails; of one that does not, what it declares and costs."""
    note = "; ".join(why)
    if other is None:
        return StackPreview(name, Verdict.UNKNOWN, note=note, secrets=secrets)
    return StackPreview(
        stack=name,
        verdict=Verdict.UNKNOWN,
        note=f"{note}; the other side declares {len(other.resources)} resources",
        secrets=secrets,
        circumstances=tuple(costs(other)),
        memory=tuple(memory(NOTHING, other)),
    )


def _one_sided(name: str, before: Side | None, after: Side | None) -> StackPreview:
    side = before or after
    assert side is not None  # noqa: S101 - the stack was found on one of the sides
    where = "new: all of it would be created" if before is None else "gone from the working tree"
    if side.desired is None:
        return StackPreview(name, Verdict.UNKNOWN, note=f"the stack is {where}; {side.error}")
    pair = (NOTHING, side.desired) if before is None else (side.desired, NOTHING)
    changes = differences(*pair)
    if before is None:
        return StackPreview(name, Verdict.SAFE, note=f"the stack is {where}", changes=changes)
    note = f"the stack is {where}: nothing is deleted before `pulumi destroy`, and nobody keeps it"
    return StackPreview(name, Verdict.SAFE, note=note, changes=changes)


def compared(
    name: str,
    before: Side,
    after: Side,
    *,
    secrets: tuple[str, ...],
    window: ChangeWindow | None,
    store: Store | None,
    now: datetime,
    steps: engine.Steps | None = None,
) -> StackPreview:
    """Return what the difference of two sides of one stack comes to.

    Args:
        name: The stack.
        before: Declared then, without an error.
        after: Declared now, without an error.
        secrets: Keys of encrypted values that differ.
        window: The stack's change window; None for always.
        store: Where the stack's evidence lies; None where nobody can look.
        now: The time that windows, waivers and ages go by.
        steps: What `pulumi preview` says; None where it was not asked.
    """
    assert before.desired is not None  # noqa: S101 - the argument's condition
    assert after.desired is not None  # noqa: S101 - as above
    changes = differences(before.desired, after.desired)
    policy = policy_changes(name, before, after, now)
    told = restarts(changes)
    verdict = decide(changes, told, blocked=any(one.blocks for one in policy))
    if verdict is Verdict.NO_CHANGE and secrets:
        verdict = Verdict.SAFE
    return StackPreview(
        stack=name,
        verdict=verdict,
        changes=changes,
        secrets=secrets,
        restarts=told,
        circumstances=tuple(circumstances(changes, after.desired, window, now)),
        money=money(before.desired, after.desired, now.date()),
        policy=policy,
        memory=tuple(memory(before.desired, after.desired)),
        drill=drills.covers(store, now) if store is not None and drills.asks(changes) else "",
        engine=steps,
    )


def _window(name: str, root: Path) -> ChangeWindow | None:
    try:
        return load(name, root).change_window
    except (SettingsError, StackFileError, UnknownStackError):
        return None


def _store(name: str) -> Store | None:
    try:
        return targets.load(name).store
    except BadInputError:
        return None
