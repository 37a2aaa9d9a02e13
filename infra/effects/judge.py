"""What the provider does with one changed input: a pure function of both sides."""

from collections.abc import Iterator

from infra.effects.conditions import CONDITIONS, Outcome, Values
from infra.effects.effect import Consequence, Effect, severity
from infra.effects.leaves import Leaves, blocks, has
from infra.effects.leftout import way
from infra.effects.losses import find_loss
from infra.effects.table import ProviderEffect, Row, find_row, rows, types, without_indexes

# Where these are left out, the provider's own configuration takes their place.
PROVIDERS_OWN = frozenset({"project", "region", "zone"})
NAMED_BY_PULUMI = frozenset({"name"})
# The provider sends it, and what then happens is the API's: it may refuse.
NOT_PROVEN = ("the API judges", "read, not tried")
OUTCOMES = {
    Outcome.REPLACES: Effect.REPLACE,
    Outcome.IN_PLACE: Effect.UPDATE,
    Outcome.DROPPED: Effect.STAY,
    Outcome.UNDECIDED: Effect.UNKNOWN,
}
PASSWORDS = "random:index/randomPassword:RandomPassword"


def judge(kind: str, path: str, before: Leaves, after: Leaves) -> Consequence:
    """Return what the provider does with a leaf that differs.

    Args:
        kind: The resource's type.
        path: Of the leaf, with list indexes.
        before: All leaves as they were, with the provider's defaults.
        after: All leaves as they are to be.
    """
    if kind not in types():
        return _unknown("the provider's table does not have this type")
    row = find_row(kind, path)
    if row is None or row.effect is ProviderEffect.COMPUTED:
        return _unknown("the provider's table does not have this input")
    if path not in after and (left_out := _left_out(kind, row, path, after)) is not None:
        return left_out
    values = Values(path, before, after)
    reasons = [_decide(row, values)]
    reasons += [
        _decide(block, Values(place, before, after))
        for place, block in _coming_or_going(kind, path, before, after)
    ]
    return max(reasons, key=lambda reason: severity(reason.effect))


def _unknown(why: str) -> Consequence:
    return Consequence(Effect.UNKNOWN, f"what it does is not known: {why}", "")


def _left_out(kind: str, row: Row, path: str, after: Leaves) -> Consequence | None:
    """Return what leaving an input out does, where that is not what its row says.

    An optional and computed input that is left out is not sent: it stays. So does one whose
    whole block is so.
    """
    if row.property in PROVIDERS_OWN and row.optional_computed:
        return _unknown("the provider's own configuration takes its place")
    if row.property in NAMED_BY_PULUMI or row.property != without_indexes(path):
        return None  # what Pulumi names anew, and an entry of a map, which goes
    outer = (rows().get((kind, without_indexes(place))) for place in _gone_blocks(path, after))
    stays = row.optional_computed and not row.default and "[" not in path
    if stays or any(block is not None and block.optional_computed for block in outer):
        stays_why = "leaving it out sends nothing: it stays as it is"
        how = way(kind, without_indexes(path))
        return Consequence(Effect.STAY, "; ".join(filter(None, (stays_why, how))), row.source)
    return None


def _gone_blocks(path: str, after: Leaves) -> Iterator[str]:
    return (place for place in blocks(path) if "[" not in place and not has(after, place))


def _coming_or_going(
    kind: str, path: str, before: Leaves, after: Leaves
) -> Iterator[tuple[str, Row]]:
    """Yield the blocks and entries around a leaf that are on one side alone."""
    for place in blocks(path):
        block = rows().get((kind, without_indexes(place)))
        if block is not None and has(before, place) != has(after, place):
            yield place, block


def _decide(row: Row, values: Values) -> Consequence:
    source = f"gcp provider: {row.source}"
    effect, why = _by_table(row, values)
    if effect is Effect.REPLACE:
        source = f"gcp provider: changing it forces a new resource ({row.source})"
    elif effect is Effect.UPDATE and (loss := find_loss(row.type, values)) is not None:
        effect, why = loss.effect, loss.why
    return Consequence(effect, why, source)


def _by_table(row: Row, values: Values) -> tuple[Effect, str]:
    """Return what a property's row says of a change, and why."""
    effect = Effect.UPDATE
    if row.effect is ProviderEffect.REPLACE:
        effect = Effect.REPLACE
    elif row.effect is ProviderEffect.CONDITIONAL:
        condition = CONDITIONS.get((row.type, row.property))
        effect = OUTCOMES[Outcome.UNDECIDED if condition is None else condition(values)]
    elif any(words in row.condition for words in NOT_PROVEN):
        return Effect.UNKNOWN, row.condition
    reasons = {
        Effect.REPLACE: _replaced(row),
        Effect.UNKNOWN: f"nobody can tell here: {row.condition}",
        Effect.STAY: "the provider drops the change",
    }
    return effect, reasons.get(effect, "")


def _replaced(row: Row) -> str:
    return "a new password is made" if row.type == PASSWORDS else "it is deleted and made anew"
