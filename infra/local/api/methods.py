"""The methods of the Cloud SQL Admin API, from its discovery document (methods.tsv).

``api/app.py`` serves those it has a handler for; the others answer 501 and name themselves.
"""

import csv
from collections.abc import Mapping
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
        answer: Name of the message in the answer.
        query: Its parameters in the query with their types: string, bool, int32, uint32, int64,
            timestamp, duration or the words of an enum; ``*`` ends those that may be repeated.
    """

    name: str
    verb: str
    path: str
    body: str
    answer: str
    query: Mapping[str, str]


def methods() -> tuple[Method, ...]:
    """Return every method, those with a suffix first: a plain name would match them too."""
    text = files("infra.local.api").joinpath("methods.tsv").read_text(encoding="utf-8")
    rows = map(_method, csv.DictReader(text.splitlines(), delimiter="\t"))
    return tuple(sorted(rows, key=lambda method: ":" not in method.path))


def _method(row: Mapping[str, str]) -> Method:
    query = dict(parameter.split(":") for parameter in row["query"].split())
    return Method(row["name"], row["verb"], row["path"], row["body"], row["answer"], query)
