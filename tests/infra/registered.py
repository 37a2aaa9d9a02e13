"""What the program registers for production, as it is and with settings changed."""

from functools import cache

from infra.desired import Desired, collect
from infra.settings import load
from infra.settings.validation import validate
from infra.stackfile import read_config


@cache
def prod() -> Desired:
    return collect(load("prod"))


def changed(**values: object) -> Desired:
    ours = {f"ai-square-db:{key}": value for key, value in values.items()}
    return collect(validate("prod", {**read_config("prod"), **ours}))
