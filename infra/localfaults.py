"""Faults of the local Cloud SQL for the person in front of it: put in force, seen, lifted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops import arguments
from ops.console import Table
from ops.errors import BadInputError
from ops.localserver import Server

_NUMBERS = ("share", "count", "seconds", "seed", "free_mb")
_WHOLE = ("count", "seed", "free_mb")


class NothingAddedError(BadInputError):
    """Options of a fault were given, but not which."""

    def __init__(self, options: Sequence[str]) -> None:
        names = ", ".join(f"--{option.replace('_', '-')}" for option in options)
        super().__init__(f"{names} without a fault. Say which with --add KIND.")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in force.

    Attributes:
        id: its number, counted since all were cleared.
        kind: as ``--add`` takes it.
        about: what it meets, or the file that it spoiled.
        hits: how many requests or operations it has met; None for what was spoiled.
    """

    id: int
    kind: str
    about: str
    hits: int | None


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults in force."""

    faults: tuple[Fault, ...]

    def blocks(self) -> Sequence[Table | str]:
        """Return a table of them."""
        if not self.faults:
            return ("No faults on demand.",)
        rows = tuple((fault.id, fault.kind, fault.about, fault.hits) for fault in self.faults)
        return (Table("Faults on demand", ("id", "kind", "about", "met"), rows),)


def read(facts: Sequence[Mapping[str, Any]]) -> Faults:
    """Return the faults that the server tells of."""
    return Faults(
        tuple(
            Fault(fault["id"], fault["kind"], _about(fault), fault.get("hits")) for fault in facts
        )
    )


def _about(fact: Mapping[str, Any]) -> str:
    if "path" in fact:
        return f"{fact['instance']} {fact['path']}".strip()
    words = [str(fact["match"])]
    if fact["instance"]:
        words.append(f"of {fact['instance']}")
    if fact["share"] < 1:
        words.append(f"share {fact['share']:g}, seed {fact['seed']}")
    if fact["count"] is not None:
        words.append(f"at most {fact['count']}")
    if fact["kind"] in {"slow", "rate-limit", "operation-slow"}:
        words.append(f"{fact['seconds']:g} s")
    return ", ".join(words)


def change(server: Server, *, clear: bool, options: Mapping[str, str]) -> Faults:
    """Lift all faults if asked to, put one in force if one is named; return those in force.

    Args:
        server: the local Cloud SQL.
        clear: lift all of them, and make good what was spoiled.
        options: of the new fault, as typed; ``kind`` names it, empty ones were not given.

    Raises:
        ops.arguments.BadArgumentError: a number is none.
        NothingAddedError: no kind.
        ops.localserver.RefusedError: the server can't make sense of it.
    """
    options_set = {name: text for name, text in options.items() if text}
    if options_set and "kind" not in options_set:
        raise NothingAddedError(tuple(options_set))
    body = {name: _value(name, text) for name, text in options_set.items()}
    if clear:
        server.ask("DELETE", "faults")
    if body:
        server.ask("POST", "faults", body)
    return read(server.ask("GET", "faults")["faults"])


def _value(name: str, text: str) -> object:
    if name not in _NUMBERS:
        return text
    option = f"--{name.replace('_', '-')}"
    if name in _WHOLE:
        return arguments.parse_whole(option, text, least=None)
    return arguments.number(option, text)
