"""From declared keys to settings: every problem told at once, or one frozen value."""

from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra.settings import (
    Settings,
    access,
    alerts,
    backup,
    disk,
    flags,
    insights,
    instance,
    maintenance,
    network,
    notify,
    operations,
    protection,
    replicas,
    runner,
    stack,
    storage,
)
from infra.settings.declared import Declared, descriptions
from infra.settings.errors import SettingsError
from infra.settings.keys import NAMESPACE, Rule

AREAS = (
    stack,
    instance,
    disk,
    flags,
    backup,
    maintenance,
    insights,
    protection,
    replicas,
    network,
    access,
    operations,
    storage,
    alerts,
    notify,
    runner,
)
RULES: tuple[Rule, ...] = tuple(rule for area in AREAS for rule in area.RULES)
"""What keys may say together; a rule is asked when all its keys are good by themselves."""


def validate(stack_name: str, values: Mapping[str, object], *more: str) -> Settings:
    """Return the settings that a stack's values mean.

    Args:
        stack_name: The stack's name.
        values: By whole key; keys of other namespaces than ours are the provider's.
        more: Problems that were found already, to be told with the others.

    Raises:
        SettingsError: Anything is wrong; all of it is told.
    """
    known = descriptions()
    own = {key: v for key, v in values.items() if key in known or _is_own(key)}
    problems: list[str] = list(more)
    bad: set[str] = set()
    try:
        declared = Declared.model_validate(own)
    except ValidationError as error:
        good = dict(own)
        for detail in error.errors():
            key, *inner = detail["loc"]
            block = good.get(str(key))
            if inner and isinstance(block, Mapping):  # one entry of a map: the others stay
                good[str(key)] = {k: v for k, v in block.items() if k != inner[0]}
            else:
                bad.add(str(key))
            problems.append(_sentence(str(key), detail, tuple(known)))
        declared = _without(good, bad)
    for involved, rule in RULES:
        if not bad & set(involved):
            problems.extend(rule(declared))
    if problems:
        raise SettingsError(stack_name, tuple(problems))
    return _settings(stack_name, declared)


def _is_own(key: str) -> bool:
    return ":" not in key or key.startswith(f"{NAMESPACE}:")


def _without(values: Mapping[str, object], bad: set[str]) -> Declared:
    """Return the good values alone, for the rules that ask about nothing else."""
    placeholders = {"gcp:project": "unknown", "gcp:region": "unknown"}
    good = {key: value for key, value in values.items() if key not in bad}
    return Declared.model_validate(placeholders | good)


def _sentence(key: str, detail: ErrorDetails, known: tuple[str, ...]) -> str:
    inner = ".".join(str(part) for part in detail["loc"][1:] if part != "[key]")
    name = f"{key}.{inner}" if inner else key
    if detail["type"] == "missing":
        return f"{key} is missing: {descriptions()[key]}"
    if detail["type"] == "extra_forbidden":
        if inner:
            return f"{name} is no setting. Leave it out, or correct its name."
        closest = get_close_matches(key, known, n=1, cutoff=0.6)
        hint = f" Did you mean {closest[0]}?" if closest else ""
        hint_of_key = "" if ":" in key else f" Keys are written {NAMESPACE}:name."
        return f"{key} is no setting of this project.{hint}{hint_of_key}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {detail['input']!r} can't be used: {message[0].lower()}{message[1:]}."


def _settings(stack_name: str, d: Declared) -> Settings:
    return Settings(
        stack=stack_name,
        project=d.project,
        region=d.region,
        endpoint=stack.endpoint(d),
        local=stack.is_local(d),
        production=d.production,
        instance=instance.instance(d),
        replicas=replicas.replicas(d),
        network=network.network(d),
        database=d.database,
        users=access.users(d),
        iam_users=access.iam_users(d),
        pool=operations.pool(d),
        drill=operations.drill(d),
        failover=operations.failover(d),
        change_window=operations.change_window(d),
        storage=storage.storage(d),
        alerts=alerts.alerts(d),
        notify=notify.notify(d),
        runner=runner.runner(d),
    )
