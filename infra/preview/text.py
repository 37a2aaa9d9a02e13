"""A preview as Markdown: sections that a comment folds, every value escaped."""

from collections.abc import Iterator

from infra.preview.difference import Action, ResourceChange
from infra.preview.markdown import Section, code, escape, table
from infra.preview.show import (
    after,
    before,
    counts,
    effect,
    headline,
    kind,
    sentences,
    short,
    unchanged,
)
from infra.preview.verdict import Preview, StackPreview, Verdict


def sections(preview: Preview) -> tuple[Section, ...]:
    """Return the headline, then a section a stack, the worst verdict first."""
    order = list(Verdict)
    ordered = sorted(preview.stacks, key=lambda stack: order.index(stack.verdict))
    first = Section("Preview", escape(headline(preview)))
    if unchanged(preview):
        return (first,)
    return (first, *(_section(stack) for stack in ordered))


def _section(stack: StackPreview) -> Section:
    note = f": {stack.note}" if stack.note else ""
    listed = "".join(f", {count}" for count in counts(stack))
    summary = escape(f"{stack.verdict.value}{listed}{note}{_price(stack)}")
    return Section(escape(stack.stack), summary, "\n\n".join(_parts(stack)))


def _price(stack: StackPreview) -> str:
    return f", {stack.money.line()}" if stack.money is not None else ""


def _parts(stack: StackPreview) -> Iterator[str]:
    rows = [row for change in stack.changes for row in _rows(change)]
    if rows:
        yield table(("resource", "property", "before", "after", "effect"), rows)
    lines = list(sentences(stack))
    if lines:
        yield "\n".join(f"- {escape(line)}" for line in lines)
    if stack.money is not None:
        yield stack.money.markdown()
    if stack.policy:
        rows = [
            (p.turn.value, p.severity.value, code(p.rule), escape(p.found), escape(p.remedy))
            for p in stack.policy
        ]
        yield table(("policy", "severity", "rule", "found", "remedy"), rows)
    if stack.engine is not None:
        steps = [(code(name), escape(step)) for name, step in stack.engine.items()]
        yield table(("pulumi preview", "step"), steps or [("everything", "unchanged")])


def _rows(resource: ResourceChange) -> Iterator[tuple[str, ...]]:
    if resource.action in {Action.CREATE, Action.DELETE}:
        words = escape(effect(resource)).replace("data is lost", "**data is lost**")
        yield (code(resource.name), escape(kind(resource)), "", "", words)
    for change in resource.changes:
        yield (
            code(resource.name),
            code(short(change.property)),
            escape(before(change)),
            escape(after(change)),
            escape(effect(resource, change)),
        )
