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
    told = sorted(preview.stacks, key=lambda one: order.index(one.verdict))
    first = Section("Preview", escape(headline(preview)))
    if unchanged(preview):
        return (first,)
    return (first, *(_section(one) for one in told))


def _section(one: StackPreview) -> Section:
    note = f": {one.note}" if one.note else ""
    said = "".join(f", {count}" for count in counts(one))
    summary = escape(f"{one.verdict.value}{said}{note}{_price(one)}")
    return Section(escape(one.stack), summary, "\n\n".join(_parts(one)))


def _price(one: StackPreview) -> str:
    return f", {one.money.line()}" if one.money is not None else ""


def _parts(one: StackPreview) -> Iterator[str]:
    rows = [row for change in one.changes for row in _rows(change)]
    if rows:
        yield table(("resource", "property", "before", "after", "effect"), rows)
    said = list(sentences(one))
    if said:
        yield "\n".join(f"- {escape(line)}" for line in said)
    if one.money is not None:
        yield one.money.markdown()
    if one.policy:
        rows = [
            (p.turn.value, p.severity.value, code(p.rule), escape(p.found), escape(p.remedy))
            for p in one.policy
        ]
        yield table(("policy", "severity", "rule", "found", "remedy"), rows)
    if one.engine is not None:
        steps = [(code(name), escape(step)) for name, step in one.engine.items()]
        yield table(("pulumi preview", "step"), steps or [("everything", "unchanged")])


def _rows(one: ResourceChange) -> Iterator[tuple[str, ...]]:
    if one.action in {Action.CREATE, Action.DELETE}:
        said = escape(effect(one)).replace("data is lost", "**data is lost**")
        yield (code(one.name), escape(kind(one)), "", "", said)
    for change in one.changes:
        yield (
            code(one.name),
            code(short(change.property)),
            escape(before(change)),
            escape(after(change)),
            escape(effect(one, change)),
        )
