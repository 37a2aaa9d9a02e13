"""Compares two sides of every stack, and says what the change comes to."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from infra.desired import INSTANCE, Desired
from infra.preview import drills, engine
from infra.preview.base import Place, locate
from infra.preview.beside import doubts
from infra.preview.difference import differences, secrets_changed
from infra.preview.downtime import circumstances, restarts
from infra.preview.findings import memory, policy_changes
from infra.preview.money import costs, money
from infra.preview.passwords import not_received
from infra.preview.renames import renamed
from infra.preview.revision import Side, resolve, sides, unpacked, untouched
from infra.preview.verdict import Preview, StackPreview, Verdict, at_least, decide
from infra.settings import ChangeWindow, SettingsError, load
from infra.stackfile import ROOT, StackFileError, UnknownStackError, stacks
from ops import target as targets
from ops.errors import BadInputError
from ops.target import Target

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
    root = root.resolve()
    commit = resolve(root, base)
    before = f"{base} ({commit[:10]})"
    if untouched(root, commit) and not with_engine:
        chosen = _choose(names, stacks(root))
        same = tuple(StackPreview(name, Verdict.NO_CHANGE) for name in chosen)
        return Preview(before, WORKING_TREE, same, failing)
    place = locate(root, commit)
    if place.doubt:
        chosen = _choose(names, stacks(root))
        unclear = tuple(StackPreview(name, Verdict.UNKNOWN, note=place.doubt) for name in chosen)
        return Preview(before, WORKING_TREE, unclear, failing)
    with _tree(root, commit, place) as tree:
        former = {} if tree is None else renamed(tree, root)
        earlier = () if tree is None else stacks(tree)
        chosen = _choose(names, tuple(sorted({*stacks(root), *earlier})), former)
        with ThreadPoolExecutor(max_workers=2) as together:
            names_before = [former.get(name, name) for name in chosen]
            old = together.submit(sides, tree, names_before) if tree is not None else None
            new = together.submit(sides, root, chosen)
            desired_old = {} if old is None else old.result(), new.result()
    now = datetime.now(UTC)
    previews: list[StackPreview] = []
    for name in chosen:
        was = former.get(name, name)
        stack_preview = _stack(
            name,
            desired_old[0].get(was),
            desired_old[1].get(name),
            root,
            now,
            with_engine=with_engine,
        )
        previews.append(_placed(stack_preview, place, was))
    return Preview(before, WORKING_TREE, tuple(previews), failing)


@contextmanager
def _tree(root: Path, commit: str, place: Place) -> Iterator[Path | None]:
    """Give the project's folder at the base; None where the base has none."""
    if place.folder is None:
        yield None
        return
    with unpacked(root, commit, place.folder) as tree:
        yield tree


def _placed(stack_preview: StackPreview, place: Place, was: str) -> StackPreview:
    """Add where the base has the project, and under which name the stack."""
    notes = [stack_preview.note] if stack_preview.note else []
    if place.note:
        notes.append(place.note)
    if was != stack_preview.stack:
        notes.append(
            f"renamed from {was}: run `pulumi stack rename {stack_preview.stack} --stack {was}` "
            "before the next deployment, which would make all of it a second time"
        )
        return replace(
            stack_preview,
            note="; ".join(notes),
            verdict=at_least(Verdict.SAFE, stack_preview.verdict),
        )
    return replace(stack_preview, note="; ".join(notes))


def _choose(
    names: tuple[str, ...], known: tuple[str, ...], former: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return the stacks to compare, by their present names where they were renamed."""
    for name in names:
        if name not in known:
            raise UnknownStackError(name, known)
    present = {was: name for name, was in (former or {}).items()}
    return tuple(dict.fromkeys(present.get(name, name) for name in names or known))


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
    stack_preview = compared(
        name,
        before,
        after,
        secrets=secrets,
        window=_window(name, root),
        target=_target(name),
        now=now,
        steps=engine.steps(name, root) if with_engine else None,
    )
    if before.project == after.project:
        return stack_preview
    note = (
        f"the Pulumi project is called {after.project}, and was {before.project}: Pulumi keeps a"
        " stack under its project's name, so what a deployment finds there nobody can tell;"
        f" `pulumi stack rename ORGANIZATION/{after.project}/{name}` takes the stack along"
    )
    return replace(
        stack_preview, note=note, verdict=at_least(Verdict.UNKNOWN, stack_preview.verdict)
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
    if before is None:
        assert after is not None  # noqa: S101 - the stack was found on one of the sides
        where = "the stack is new: all of it would be created"
        if after.desired is None:
            return StackPreview(name, Verdict.UNKNOWN, note=f"{where}; {after.error}")
        changes = differences(NOTHING, after.desired)
        verdict = at_least(Verdict.SAFE, decide(changes, (), blocked=False))
        return StackPreview(name, verdict, note=where, changes=changes)
    note = (
        f"Pulumi.{name}.yaml is gone, and with it everything that the stack declares;"
        " `pulumi destroy` deletes it"
    )
    if before.desired is None:
        why = f"{note}; what it declared can't be listed: {before.error}"
        return StackPreview(name, Verdict.DELETES, note=why)
    changes = differences(before.desired, NOTHING)
    return StackPreview(name, Verdict.DELETES, note=note, changes=changes)


def compared(
    name: str,
    before: Side,
    after: Side,
    *,
    secrets: tuple[str, ...],
    window: ChangeWindow | None,
    target: Target | None,
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
        target: The stack, for its evidence; None where nobody can look.
        now: The time that windows, waivers and ages go by.
        steps: What `pulumi preview` says; None where it was not asked.
    """
    assert before.desired is not None  # noqa: S101 - the argument's condition
    assert after.desired is not None  # noqa: S101 - as above
    changes = differences(before.desired, after.desired)
    policy = policy_changes(name, before, after, now)
    planned_restarts = restarts(changes)
    verdict = decide(changes, planned_restarts, blocked=any(finding.blocks for finding in policy))
    unclear = tuple(doubts(before.beside, after.beside))
    unreceived = tuple(not_received(before.desired, after.desired))
    if unreceived:
        verdict = at_least(Verdict.INTERRUPTS, verdict)
    if secrets or unclear:  # secrets are encrypted, and differently each time
        verdict = at_least(Verdict.UNKNOWN, verdict)
    return StackPreview(
        stack=name,
        verdict=verdict,
        changes=changes,
        secrets=secrets,
        restarts=planned_restarts,
        circumstances=(*unreceived, *circumstances(changes, after.desired, window, now)),
        money=money(before.desired, after.desired, now.date()),
        policy=policy,
        memory=tuple(memory(before.desired, after.desired)),
        drill=_last_drill(target, before.desired, now) if drills.asks(changes) else "",
        engine=steps,
        doubts=unclear,
    )


def _window(name: str, root: Path) -> ChangeWindow | None:
    try:
        return load(name, root).change_window
    except (SettingsError, StackFileError, UnknownStackError):
        return None


def _target(name: str) -> Target | None:
    try:
        return targets.load(name)
    except BadInputError:
        return None


def _last_drill(target: Target | None, before: Desired, now: datetime) -> str:
    """Return what the last drill says of the instance that is there before the change."""
    if target is None:
        return ""
    names = [
        str(resource.inputs["name"])
        for resource in before.of_type(INSTANCE)
        if not resource.inputs.get("masterInstanceName")
    ]
    return drills.last_drill(target, now, names[0] if len(names) == 1 else "")
