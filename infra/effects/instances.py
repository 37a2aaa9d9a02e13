"""What the provider does with an instance, asked by paths of the Admin API's body."""

from collections.abc import Mapping
from dataclasses import replace

from infra.body import INPUT_OF, NOT_IN_BODY, api_path
from infra.consequences import Consequence, Effect, consequence, severity
from infra.effects.judge import judge
from infra.effects.leaves import Leaves, with_defaults
from infra.standins import INSTANCE


def judge_instance(path: str, before: Leaves, after: Leaves) -> Consequence:
    """Return the worse of what the provider does and of what Cloud SQL does.

    Args:
        path: A property that differs, as the API's body has it.
        before: All leaves of the body as it was.
        after: All leaves of the body as it is to be.
    """
    sides = with_defaults(INSTANCE, _inputs(before), _inputs(after))
    provider = judge(INSTANCE, input_path(path), *sides)
    cloud = consequence(path, before.get(path, ""), after.get(path, ""))
    if provider.effect is Effect.STAY:
        return replace(provider, why="; ".join(filter(None, (cloud.why, provider.why))))
    if severity(provider.effect) > severity(cloud.effect):
        return replace(provider, why=cloud.why or provider.why)
    return cloud


def _inputs(body: Leaves) -> Leaves:
    return {input_path(path): text for path, text in body.items()}


def input_path(path: str) -> str:
    """Return the path of the input that a property of the API's body comes from."""
    path_without_places = ".".join(part for part in path.split(".") if not part.isdigit())
    block = path_without_places
    while block and block not in INPUT_OF:
        block = block.rpartition(".")[0]
    return (
        f"{INPUT_OF[block]}{path_without_places.removeprefix(block)}"
        if block
        else path_without_places
    )


def with_instance_defaults(
    before: Leaves, after: Leaves
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return both bodies' leaves, what one leaves out and the other sets with its default."""
    filled = with_defaults(INSTANCE, _inputs(before), _inputs(after))
    return _added(before, filled[0]), _added(after, filled[1])


def _added(body: Leaves, filled: Leaves) -> Mapping[str, str]:
    inputs = _inputs(body).keys()
    names = (path for path in filled if path not in inputs and path not in NOT_IN_BODY)
    return {**body, **{api_path(path): filled[path] for path in names}}
