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
    fields = _Expression(text).read()
    if message not in _UNKNOWN:
        _check(fields, descriptor(message), "", text)
    return fields


def apply(fields: Mask, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with what is wanted of it."""
    if not fields:
        return value
    if isinstance(value, list | tuple):
        return [apply(fields, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    fallback = fields.get("*", {})
    return {
        name: apply(fields.get(name, fallback), item)
        for name, item in value.items()
        if name in fields or "*" in fields
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
        fields = self._list(0)
        if self._next() is not None:
            raise _invalid(self._text, self._text)
        return fields

    def _list(self, depth: int) -> Wanted:
        if depth > _DEPTH_LIMIT:
            raise _invalid(self._text, self._text)
        fields: Wanted = {}
        self._path(fields, depth)
        while self._next() == ",":
            self._place += 1
            self._path(fields, depth)
        return fields

    def _path(self, fields: Wanted, depth: int) -> None:
        name = self._name()
        fresh = name not in fields
        below = fields.setdefault(name, {})
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
        token = self._next()
        if token is None or token in "(),/.":  # noqa: S105 - a token of the grammar
            raise _invalid(self._text, self._text)
        self._place += 1
        return str(token)

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


def _check(fields: Mask, kind: Descriptor, above: str, text: str) -> None:
    for name, below in fields.items():
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
