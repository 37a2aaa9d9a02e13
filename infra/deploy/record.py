"""The deployer's own record: what it put on the local Cloud SQL, and the passwords it made.

Beside the local Cloud SQL's data, in files that only their owner reads; passwords each
in a file of their own, never in the record.
"""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.live import Kind
from infra.settings import PASSWORD_LENGTH, PASSWORD_SPECIAL
from ops.errors import OpsError
from ops.store import Store

RECORD = "record.json"
FORMAT = 1
KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, PASSWORD_SPECIAL)


class BadRecordError(OpsError):
    """The record is not what a deployer wrote."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"The deployer's record {where} can't be read. Remove it and deploy again; what is"
            " no longer declared has then to be deleted by hand."
        )


@dataclass(frozen=True, slots=True, order=True)
class Recorded:
    """One resource that was put there.

    Attributes:
        kind: ``instance``, ``database`` or ``user``.
        logical: Its name in the program.
        name: Its own name.
        instance: The instance it lies in; its own name for an instance.
        protect: Whether it was declared protected.
    """

    kind: str
    logical: str
    name: str
    instance: str
    protect: bool


@dataclass(frozen=True, slots=True)
class Record:
    """What was deployed last.

    Attributes:
        resources: Everything that may be there, sorted.
        outputs: Of the program, as the live instance told them.
    """

    resources: tuple[Recorded, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)


def load(store: Store) -> Record:
    """Return the record; an empty one where nothing was deployed.

    Raises:
        BadRecordError: It is damaged.
    """
    stored = store.get(RECORD)
    if stored is None:
        return Record()
    try:
        return _parse(stored.content)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRecordError(store.where(RECORD)) from error


def _parse(content: bytes) -> Record:
    document = json.loads(content)
    if document["format"] != FORMAT:
        raise ValueError(document["format"])
    resources = tuple(sorted(map(_read, document["resources"])))
    return Record(resources, dict(document["outputs"]))


def _read(entry: Mapping[str, Any]) -> Recorded:
    """Return a resource of the record: an instance is never deleted by a name that is none."""
    resource = Recorded(**entry)
    names: tuple[object, ...] = (resource.logical, resource.name, resource.instance)
    Kind(resource.kind)  # another kind is a ValueError
    if not all(name and isinstance(name, str) for name in names):
        raise TypeError(names)
    return resource


def save(store: Store, record: Record) -> None:
    """Write the record, whole or not at all."""
    document = {
        "format": FORMAT,
        "resources": [asdict(resource) for resource in sorted(set(record.resources))],
        "outputs": dict(record.outputs),
    }
    store.put(RECORD, json.dumps(document, indent=2).encode())


def forget(store: Store) -> None:
    """Remove the record and every password."""
    for key in store.keys("passwords"):
        store.delete(key)
    store.delete(RECORD)


def known_passwords(store: Store) -> frozenset[str]:
    """Return the users whose password is kept here and holds."""
    keys = {key.removeprefix("passwords/") for key in store.keys("passwords")}
    return frozenset(name for name in keys if f"{name}.next" not in keys)


def next_password(store: Store, user: str) -> str:
    """Return the password that a user is about to get, written down before it is given.

    A deployment that was killed between the two finds the same one again.
    """
    stored = store.get(f"passwords/{user}.next")
    if stored is not None and stored.content:
        return stored.content.decode()
    password = _generated()
    store.put(f"passwords/{user}.next", password.encode())
    return password


def _generated() -> str:
    """Return a password with every kind of character, as Cloud SQL's password policy asks."""
    while True:
        chosen = "".join(secrets.choice("".join(KINDS)) for _ in range(PASSWORD_LENGTH))
        if all(set(kind) & set(chosen) for kind in KINDS):
            return chosen


def keep_password(store: Store, user: str, password: str) -> None:
    """Note that a user has this password now."""
    store.put(f"passwords/{user}", password.encode())
    store.delete(f"passwords/{user}.next")


def drop_password(store: Store, user: str) -> None:
    """Forget the password of a user who is gone."""
    store.delete(f"passwords/{user}.next")
    store.delete(f"passwords/{user}")
