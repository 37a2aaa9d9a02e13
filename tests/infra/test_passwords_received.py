"""A password that is made anew reaches whoever uses it, or the preview says that it does not."""

from dataclasses import replace
from functools import cache
from types import MappingProxyType

from infra.desired import PASSWORD, Desired, collect
from infra.preview.passwords import not_received
from infra.preview.review import compared
from infra.preview.revision import Side
from infra.preview.verdict import Verdict
from infra.settings import load
from infra.settings.access import PASSWORD_RECIPES, PasswordRecipe
from infra.settings.validation import validate
from infra.stackfile import read_config
from tests.infra.test_preview_cases import NOW


@cache
def staging() -> Desired:
    return collect(load("staging"))


def longer(made: Desired) -> Desired:
    """Return what a program would declare that asks for longer passwords and nothing else."""
    return replace(
        made,
        resources=tuple(
            replace(one, inputs=MappingProxyType({**one.inputs, "length": 40}))
            if one.type == PASSWORD
            else one
            for one in made.resources
        ),
    )


def test_longer_password_of_the_same_version_reaches_nobody() -> None:
    said = list(not_received(staging(), longer(staging())))
    assert len(said) == 8  # four users, four secrets
    assert any(
        "owner-user keeps the old one, since passwordWoVersion stays 1" in one for one in said
    )
    sides = [
        Side(one, production=False, pool_connections=100) for one in (staging(), longer(staging()))
    ]
    told = compared("staging", *sides, secrets=(), window=None, target=None, now=NOW)
    order = list(Verdict)
    assert order.index(told.verdict) <= order.index(Verdict.INTERRUPTS)
    assert set(said) <= set(told.circumstances)


def test_what_is_handed_over_is_not_told() -> None:
    assert list(not_received(staging(), staging())) == []
    raised = {**read_config("staging"), "ai-square-db:passwordVersion": 2}
    assert list(not_received(staging(), collect(validate("staging", raised)))) == []
    settings = load("staging")
    recipes = (*PASSWORD_RECIPES, PasswordRecipe(length=40, special="-_", least=2))
    another = replace(settings, users=replace(settings.users, recipes=recipes))
    assert list(not_received(staging(), collect(another))) == []
    renamed = {**read_config("staging"), "ai-square-db:appUser": "web"}
    assert list(not_received(staging(), collect(validate("staging", renamed)))) == []
    assert list(not_received(Desired((), MappingProxyType({})), staging())) == []
