"""The methods of the Cloud SQL Admin API, from its discovery document (methods.tsv).

``api/app.py`` serves those it has a handler for; the others answer 501 and name themselves.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API.

    Attributes:
        name: As the discovery document has it, without its prefix.
        verb: HTTP verb.
        path: Below the version, with its parameters in braces.
        body: Name of the message in the request; empty for none.
    """

    name: str
    verb: str
    path: str
    body: str


def methods() -> tuple[Method, ...]:
    """Return every method, those with a suffix first: a plain name would match them too."""
    text = files("infra.local.api").joinpath("methods.tsv").read_text(encoding="utf-8")
    every = (Method(**row) for row in csv.DictReader(text.splitlines(), delimiter="\t"))
    return tuple(sorted(every, key=lambda method: ":" not in method.path))
