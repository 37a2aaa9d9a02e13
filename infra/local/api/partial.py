"""Partial answers: the general parameter ``fields``, as ``items(name,settings/tier)``."""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor  # type: ignore[import-untyped]  # ships no types

from infra.local.api.body import descriptor, fields_of
from infra.local.api.errors import ApiError

# Wanted names with what is wanted below them; an empty one wants everything.
Mask: TypeAlias = Mapping[str, "Mask"]
Wanted: TypeAlias = dict[str, "Wanted"]

_TOKEN = re.compile(r"[\w*-]+|[(),/.]", re.ASCII)
_LENGTH_LIMIT = 4000
_DEPTH_LIMIT = 20
# Messages that the SDK has no class of.
_UNKNOWN = ("", "Empty")


def mask(text: str, message: str) -> Mask:
    """Return what an expression asks for.

    Args:
        text: The expression; empty for everything.
        message: The API's name of the answer's message.

    Raises:
        ApiError: 400 for an expression that is none, or names a field that is not there.
    """
    if not text:
        return {}
    wanted = _Expression(text).read()
    if message not in _UNKNOWN:
        _check(wanted, descriptor(message), "", text)
    return wanted


def apply(wanted: Mask, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with what is wanted of it."""
    if not wanted:
        return value
    if isinstance(value, list | tuple):
        return [apply(wanted, one) for one in value]
    if not isinstance(value, Mapping):
        return value
    every = wanted.get("*", {})
    return {
        name: apply(wanted.get(name, every), one)
        for name, one in value.items()
        if name in wanted or "*" in wanted
    }


class _Expression:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)
        if len(text) > _LENGTH_LIMIT or "".join(self._tokens) != re.sub(r"\s", "", text):
            raise _invalid(text, text)
        self._place = 0

    def read(self) -> Wanted:
        wanted = self._list(0)
        if self._next() is not None:
            raise _invalid(self._text, self._text)
        return wanted

    def _list(self, depth: int) -> Wanted:
        if depth > _DEPTH_LIMIT:
            raise _invalid(self._text, self._text)
        wanted: Wanted = {}
        self._path(wanted, depth)
        while self._next() == ",":
            self._place += 1
            self._path(wanted, depth)
        return wanted

    def _path(self, wanted: Wanted, depth: int) -> None:
        name = self._name()
        fresh = name not in wanted
        below = wanted.setdefault(name, {})
        if self._next() in ("/", "."):
            self._place += 1
            more: Wanted = {}
            self._path(more, depth + 1)
        elif self._next() == "(":
            self._place += 1
            more = self._list(depth + 1)
            if self._next() != ")":
                raise _invalid(self._text, self._text)
            self._place += 1
        else:
            below.clear()  # the whole of it
            return
        if fresh or below:
            _merge(below, more)

    def _name(self) -> str:
        found = self._next()
        if found is None or found in "(),/.":
            raise _invalid(self._text, self._text)
        self._place += 1
        return str(found)

    def _next(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None


def _merge(into: Wanted, more: Wanted) -> None:
    for name, below in more.items():
        if name not in into:
            into[name] = below
        elif into[name] and below:
            _merge(into[name], below)
        else:
            into[name] = {}


def _check(wanted: Mask, kind: Descriptor, above: str, text: str) -> None:
    for name, below in wanted.items():
        if name == "*":
            continue
        path = f"{above}{name}"
        field = fields_of(kind).get(name)
        if field is None or field.json_name != name:
            raise _invalid(text, path)
        inner = field.message_type
        if not below or inner is None or inner.GetOptions().map_entry:
            continue
        _check(below, inner, f"{path}.", text)


def _invalid(text: str, path: str) -> ApiError:
    why = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{path:.200}'."
    return ApiError(
        400,
        "badRequest",
        f"Request contains an invalid argument. {why}",
        violations=((text[:200], why),),
    )
