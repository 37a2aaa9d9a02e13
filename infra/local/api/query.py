"""What a request asks for in its query: the method's own parameters and the API's general ones."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from infra.local.api import scalars
from infra.local.api.errors import bad_value, unknown_parameter
from infra.local.api.methods import Method

# Those that every method of every Google API takes, also with a $ before them.
_GENERAL = (
    "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser",
    "uploadType", "upload_protocol", ".xgafv", "userProject",
)  # fmt: skip
_ALT = re.compile(r"(json)?(;enum-encoding=(int|string))?")
_TRUE, _FALSE = ("true", "True", "1", "t", "yes"), ("false", "False", "0", "f", "no")
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Query:
    """A request's query.

    Attributes:
        values: The method's own parameters, checked; of a repeated one, the last.
        lists: Its repeated parameters with all of their values.
        fields: Which fields of the answer are wanted; empty for all.
        pretty: Whether the answer is indented.
    """

    values: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    fields: str
    pretty: bool


def read(method: Method, items: Iterable[tuple[str, str]]) -> Query:
    """Return a request's query.

    Args:
        method: The method that is asked.
        items: Names and values, in order.

    Raises:
        ApiError: 400 for a parameter that the method does not have, or a value of another type.
    """
    kinds = method.query
    names = {snake(name): name for name in kinds} | {name: name for name in kinds}
    values: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}
    general: dict[str, str] = {}
    for parameter, value in items:
        if (name := names.get(parameter)) is not None:
            values[name] = _checked(name, kinds[name], value)
            if kinds[name].endswith("*"):
                lists[name] = (*lists.get(name, ()), value)
        elif (name := parameter.removeprefix("$")) in _GENERAL:
            general[name] = value
        else:
            raise unknown_parameter(parameter)
    if not _ALT.fullmatch(general.get("alt", "")):
        raise bad_value("alt", "TYPE_ENUM", general["alt"])
    pretty = _boolean("prettyPrint", general.get("prettyPrint") or "true") == "true"
    return Query(values, lists, general.get("fields", ""), pretty)


def snake(name: str) -> str:
    """Return a JSON name as the API's messages have it: maxResults is max_results."""
    return _WORD_END.sub("_", name).lower()


def _checked(name: str, kind: str, value: str) -> str:
    if "|" in kind:
        if value in kind.split("|"):
            return value
        raise bad_value(snake(name), "TYPE_ENUM", value)
    check = _CHECKS.get(kind.rstrip("*"))
    return value if check is None else check(name, value)


def _boolean(name: str, value: str) -> str:
    if value in _TRUE:
        return "true"
    if value in _FALSE:
        return "false"
    raise bad_value(snake(name), "TYPE_BOOL", value)


def _by(reader: scalars.Reader) -> Callable[[str, str], str]:
    return lambda name, value: str(reader(value, snake(name)))


_CHECKS: Mapping[str, Callable[[str, str], str]] = {
    "bool": _boolean,
    "int32": _by(scalars.integer("INT32", -(2**31), 2**31 - 1)),
    "uint32": _by(scalars.integer("UINT32", 0, 2**32 - 1)),
    "int64": _by(scalars.integer("INT64", -(2**63), 2**63 - 1)),
    "timestamp": _by(scalars.timestamp),
    "duration": _by(scalars.duration),
}
