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
        names = ", ".join(stack.stack for stack in preview.stacks)
        return f"No change of {names}: {compared}."
    return f"{preview.verdict.value.capitalize()}: {compared}."


def unchanged(preview: Preview) -> bool:
    """Tell whether there is nothing to say: not even of what is left alone on purpose."""
    return preview.verdict is Verdict.NO_CHANGE and not any(
        stack.changes or stack.engine for stack in preview.stacks
    )


def _blocks(preview: Preview) -> Iterator[Table | str]:
    yield headline(preview)
    if unchanged(preview):
        return
    for stack in preview.stacks:
        yield ""
        yield verdict_line(stack)
        yield from _stack(stack)


def verdict_line(stack: StackPreview) -> str:
    """Return what a change comes to for one stack, with how much of it there is."""
    listed = ", ".join(counts(stack))
    note = f": {stack.note}" if stack.note else ""
    return f"Stack {stack.stack}: {stack.verdict.value}{f' ({listed})' if listed else ''}{note}"


def counts(stack: StackPreview) -> Iterator[str]:
    """Yield how many restarts there are, and how many resources something else happens to."""
    if stack.verdict is Verdict.DIFFERS:
        return
    if stack.restarts:
        yield f"{len(stack.restarts)} restart{'' if len(stack.restarts) == 1 else 's'}"
    effects = [change.effect for change in stack.changes if change.action is not Action.LEAVE]
    for effect, words in COUNTED.items():
        if number := effects.count(effect):
            yield f"{number} {words}"


def effect(resource: ResourceChange, change: Change | None = None) -> str:
    """Return what happens to a resource, or by one of its properties."""
    if change is not None:
        refused = resource.refused_by if change.effect is Effect.REPLACE else ()
        return "; ".join((change.effect.value, *refused))
    lost = ", data is lost" if resource.loses_data else ""
    return "; ".join((f"{resource.action.value}{lost}", *resource.refused_by))


def _stack(stack: StackPreview) -> Iterator[Table | str]:
    rows = tuple(row for change in stack.changes for row in _rows(change))
    if rows:
        yield Table("", ("what", "property", "before", "after", "effect"), rows)
    yield from (fill(sentence, WIDTH, subsequent_indent="  ") for sentence in sentences(stack))
    if stack.money is not None:
        yield from stack.money.blocks()
    if stack.policy:
        policies = tuple(
            (p.turn.value, p.severity.value, p.rule, p.found, p.remedy) for p in stack.policy
        )
        yield Table(
            "Policies (declared state only)",
            ("turn", "severity", "rule", "found", "remedy"),
            policies,
        )
    if stack.engine is not None:
        steps = tuple(stack.engine.items()) or (("everything", "unchanged"),)
        yield Table("What `pulumi preview` says", ("resource", "step"), steps)


def _rows(resource: ResourceChange) -> Iterator[tuple[str, ...]]:
    if resource.action in {Action.CREATE, Action.DELETE}:
        yield (resource.name, kind(resource), "", "", effect(resource))
    for change in resource.changes:
        yield (
            resource.name,
            short(change.property),
            before(change),
            after(change),
            effect(resource, change),
        )


def kind(resource: ResourceChange) -> str:
    """Return a resource's type in few words: ``sql User``."""
    package, _, name = resource.type.rpartition(":")
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


def sentences(stack: StackPreview) -> Iterator[str]:
    """Yield everything that is said in sentences: secrets, reasons, restarts, memory, drill."""
    yield from stack.doubts
    for secret in stack.secrets:
        yield f"Secret {secret}: changed, and what that does nobody can tell without its value"
    for change in stack.changes:
        yield from (f"{change.name}: {line}" for line in reasons(change))
    for number, restart in enumerate(stack.restarts, start=1):
        yield f"Restart {number}: {restart.sentence}"
    yield from stack.circumstances
    for memory in stack.memory:
        was = "" if memory.before is None else f"{memory.before:g} % -> "
        yield f"Memory of {memory.instance}: {was}{memory.after:g} %. {memory.sentence}"
    if stack.drill:
        yield stack.drill


def reasons(resource: ResourceChange) -> Iterator[str]:
    """Yield why properties do what they do, where that is not plain; each reason once."""
    if resource.loses_data and resource.action is Action.REPLACE:
        yield "it is deleted and made anew, and what it holds is lost"
    properties: dict[str, list[str]] = {}
    for change in resource.changes:
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
        "stacks": [_stack_facts(stack) for stack in preview.stacks],
    }


def _stack_facts(stack: StackPreview) -> Mapping[str, object]:
    return {
        "stack": stack.stack,
        "verdict": stack.verdict,
        "note": stack.note,
        "resources": [
            {
                "action": change.action,
                "type": change.type,
                "name": change.name,
                "loses_data": change.loses_data,
                "refused_by": change.refused_by,
                "changes": [_change_facts(item) for item in change.changes],
            }
            for change in stack.changes
        ],
        "secrets_changed": stack.secrets,
        "restarts": stack.restarts,
        "circumstances": stack.circumstances,
        "money": stack.money,
        "policy": stack.policy,
        "memory": stack.memory,
        "drill": stack.drill,
        "engine": stack.engine,
        "doubts": stack.doubts,
    }


def _change_facts(change: Change) -> Mapping[str, object]:
    consequence = change.consequence
    return {
        "property": change.property,
        "before": change.before,
        "after": change.after,
        "raw": change.raw,
        "effect": change.effect,
        "why": "" if consequence is None else consequence.why,
        "source": "" if consequence is None else consequence.source,
    }
