"""The words that keys of a stack file are made of, and what every area's keys share."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from infra.settings.declared import Declared

NAMESPACE = "ai-square-db"

InstanceName = Annotated[
    str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=97)
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=63)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]*$", max_length=63)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Hours = Annotated[
    str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$")
]
NetworkName = Annotated[
    str, StringConstraints(pattern=r"^([a-z]([a-z0-9-]*[a-z0-9])?)?$", max_length=63)
]
Zone = Annotated[str, StringConstraints(pattern=r"^([a-z]+-[a-z]+\d+-[a-z])?$")]
Address = Annotated[str, StringConstraints(pattern=r"^(\d{1,3}(\.\d{1,3}){3})?$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
# Names of buckets: https://cloud.google.com/storage/docs/buckets#naming
BucketName = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_.-]*[a-z0-9])?$", max_length=63)
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Rule = tuple[tuple[str, ...], Callable[["Declared"], Iterator[str]]]
"""Keys that a rule asks about by their whole names, and the sentences it has to say."""


def key(name: str) -> str:
    """Return the whole name of a key: ``ai-square-db:diskSizeGb`` for ``disk_size_gb``."""
    return f"{NAMESPACE}:{to_camel(name)}"


def keys(*names: str) -> tuple[str, ...]:
    """Return whole names of keys, from their names in the model."""
    return tuple(map(key, names))


class Keys(BaseModel):
    """One area's keys of a stack file."""

    model_config = ConfigDict(alias_generator=key, extra="forbid", frozen=True)


class Entry(BaseModel):
    """One entry of a map in a stack file, its keys in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)
