"""A preview on a terminal, and its facts for machines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from infra.changes import Change
from infra.consequences import Effect
from infra.preview.difference import Action, ResourceChange
from infra.preview.verdict import Preview, StackPreview, Verdict
from ops.checks.result import State
from ops.console import WIDTH, Table

NOTHING = "(none)"
# What the headline counts, by the worst that happens to a resource.
COUNTED = {
    Effect.REPLACE: "replaced or deleted",
    Effect.LOSE: "loses data",
    Effect.INTERRUPT: "interrupts",
    Effect.UNKNOWN: "could not tell",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview as a task shows it."""

    preview: Preview
    written: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """The exit code's reason."""
        return self.preview.state

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read: a line where nothing changes."""
        return [*_blocks(self.preview), *(f"Written: {path}" for path in self.written)]

    def document(self) -> Mapping[str, object]:
        """Return the same facts for machines."""
        return facts(self.preview)


def headline(preview: Preview) -> str:
    """Return the whole preview in a line."""
    compared = f"{preview.after} against {preview.before}"
    if unchanged(preview):
        names = ", ".join(one.stack for one in preview.stacks)
        return f"No change of {names}: {compared}."
    return f"{preview.verdict.value.capitalize()}: {compared}."


def unchanged(preview: Preview) -> bool:
    """Tell whether there is nothing to say: not even of what is left alone on purpose."""
    return preview.verdict is Verdict.NO_CHANGE and not any(
        one.changes or one.engine for one in preview.stacks
    )


def _blocks(preview: Preview) -> Iterator[Table | str]:
    yield headline(preview)
    if unchanged(preview):
        return
    for one in preview.stacks:
        yield ""
        yield verdict_line(one)
        yield from _stack(one)


def verdict_line(one: StackPreview) -> str:
    """Return what a change comes to for one stack, with how much of it there is."""
    said = ", ".join(counts(one))
    note = f": {one.note}" if one.note else ""
    return f"Stack {one.stack}: {one.verdict.value}{f' ({said})' if said else ''}{note}"


def counts(one: StackPreview) -> Iterator[str]:
    """Yield how many restarts there are, and how many resources something else happens to."""
    if one.verdict is Verdict.DIFFERS:
        return
    if one.restarts:
        yield f"{len(one.restarts)} restart{'' if len(one.restarts) == 1 else 's'}"
    effects = [change.effect for change in one.changes if change.action is not Action.LEAVE]
    for effect, words in COUNTED.items():
        if number := effects.count(effect):
            yield f"{number} {words}"


def effect(one: ResourceChange, change: Change | None = None) -> str:
    """Return what happens to a resource, or by one of its properties."""
    if change is not None:
        refused = one.refused_by if change.effect is Effect.REPLACE else ()
        return "; ".join((change.effect.value, *refused))
    lost = ", data is lost" if one.loses_data else ""
    return "; ".join((f"{one.action.value}{lost}", *one.refused_by))


def _stack(one: StackPreview) -> Iterator[Table | str]:
    rows = tuple(row for change in one.changes for row in _rows(change))
    if rows:
        yield Table("", ("what", "property", "before", "after", "effect"), rows)
    yield from (fill(said, WIDTH, subsequent_indent="  ") for said in sentences(one))
    if one.money is not None:
        yield from one.money.blocks()
    if one.policy:
        policies = tuple(
            (p.turn.value, p.severity.value, p.rule, p.found, p.remedy) for p in one.policy
        )
        yield Table(
            "Policies (declared state only)",
            ("turn", "severity", "rule", "found", "remedy"),
            policies,
        )
    if one.engine is not None:
        steps = tuple(one.engine.items()) or (("everything", "unchanged"),)
        yield Table("What `pulumi preview` says", ("resource", "step"), steps)


def _rows(one: ResourceChange) -> Iterator[tuple[str, ...]]:
    if one.action in {Action.CREATE, Action.DELETE}:
        yield (one.name, kind(one), "", "", effect(one))
    for change in one.changes:
        yield (
            one.name,
            short(change.property),
            before(change),
            after(change),
            effect(one, change),
        )


def kind(one: ResourceChange) -> str:
    """Return a resource's type in few words: ``sql User``."""
    package, _, name = one.type.rpartition(":")
    return f"{package.split(':')[-1].split('/')[0]} {name}"


def short(path: str) -> str:
    """Return a property's path without what every one begins with."""
    for prefix in ("settings.databaseFlags.", "settings."):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return path


def before(change: Change) -> str:
    """Return the value that was, in people's units with the raw one."""
    return _value(change.before, change.raw and change.raw[0])


def after(change: Change) -> str:
    """Return the value to come, in people's units with the raw one."""
    return _value(change.after, change.raw and change.raw[1])


def _value(words: str, raw: str | None) -> str:
    if not words:
        return NOTHING
    return f"{words} ({raw})" if raw and raw != words else words


def sentences(one: StackPreview) -> Iterator[str]:
    """Yield everything that is said in sentences: secrets, reasons, restarts, memory, drill."""
    yield from one.doubts
    for secret in one.secrets:
        yield f"Secret {secret}: changed, and what that does nobody can tell without its value"
    for change in one.changes:
        yield from (f"{change.name}: {line}" for line in reasons(change))
    for number, restart in enumerate(one.restarts, start=1):
        yield f"Restart {number}: {restart.sentence}"
    yield from one.circumstances
    for memory in one.memory:
        was = "" if memory.before is None else f"{memory.before:g} % -> "
        yield f"Memory of {memory.instance}: {was}{memory.after:g} %. {memory.sentence}"
    if one.drill:
        yield one.drill


def reasons(one: ResourceChange) -> Iterator[str]:
    """Yield why properties do what they do, where that is not plain; each reason once."""
    if one.loses_data and one.action is Action.REPLACE:
        yield "it is deleted and made anew, and what it holds is lost"
    properties: dict[str, list[str]] = {}
    for change in one.changes:
        if change.effect is Effect.IGNORED:
            yield f"{short(change.property)} is left alone (ignoreChanges){_grow(change)}"
        elif change.consequence is not None and change.consequence.why:
            properties.setdefault(change.consequence.why, []).append(short(change.property))
    for why, names in properties.items():
        yield f"{', '.join(names)}: {why}"


def _grow(change: Change) -> str:
    if change.property != "settings.dataDiskSizeGb":
        return ""
    if change.after.isdigit() and int(change.after) > int(change.before or 0):
        return f"; `invoke disk.grow --to-gb {change.after}` grows a disk"
    return "; a disk never shrinks"


def facts(preview: Preview) -> Mapping[str, object]:
    """Return a preview for JSON."""
    return {
        "before": preview.before,
        "after": preview.after,
        "verdict": preview.verdict,
        "stacks": [_stack_facts(one) for one in preview.stacks],
    }


def _stack_facts(one: StackPreview) -> Mapping[str, object]:
    return {
        "stack": one.stack,
        "verdict": one.verdict,
        "note": one.note,
        "resources": [
            {
                "action": change.action,
                "type": change.type,
                "name": change.name,
                "loses_data": change.loses_data,
                "refused_by": change.refused_by,
                "changes": [_change_facts(item) for item in change.changes],
            }
            for change in one.changes
        ],
        "secrets_changed": one.secrets,
        "restarts": one.restarts,
        "circumstances": one.circumstances,
        "money": one.money,
        "policy": one.policy,
        "memory": one.memory,
        "drill": one.drill,
        "engine": one.engine,
        "doubts": one.doubts,
    }


def _change_facts(change: Change) -> Mapping[str, object]:
    told = change.consequence
    return {
        "property": change.property,
        "before": change.before,
        "after": change.after,
        "raw": change.raw,
        "effect": change.effect,
        "why": "" if told is None else told.why,
        "source": "" if told is None else told.source,
    }
