"""The filter of a list, as ``state:RUNNABLE (settings.tier=db-f1-micro OR name:ai-*)``.

Google's filters (AIP-160): a space or AND wants both, OR wants either and binds tighter, NOT and
- turn around; fields are nested with dots as in the JSON. ``:`` and ``=`` compare without case,
with * for anything; ``:`` also finds a value within a list or a key within a map.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from infra.local.api.errors import ApiError, invalid

Test: TypeAlias = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<sign><=|>=|!=|[:=<>()])|(?P<minus>-(?=[\w(]))|(?P<word>[^\s:=<>!()"']+))"""
)
_SIGNS = (":", "=", "!=", "<", "<=", ">", ">=")
_LENGTH_LIMIT = 2000
_DEPTH_LIMIT = 20


def test(text: str) -> Test:
    """Return what tells whether a resource is wanted.

    Args:
        text: The filter; empty wants everything.

    Raises:
        ApiError: 400 for a filter that is none.
    """
    if not text.strip():
        return lambda _resource: True
    return _Filter(text).read()


class _Filter:
    """Reads a filter from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > _LENGTH_LIMIT:
            raise invalid(f"the filter is longer than {_LENGTH_LIMIT} characters.")
        self._text = text
        self._tokens = list(self._split(text.strip()))
        self._place = 0

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._refused()
            yield str(match.lastgroup), match[str(match.lastgroup)]
            place = match.end()

    def read(self) -> Test:
        test = self._conjunction(0)
        if self._next() is not None:
            raise self._refused()
        return test

    def _conjunction(self, depth: int) -> Test:
        if depth > _DEPTH_LIMIT:
            raise self._refused()
        tests = [self._either(depth)]
        while (token := self._next()) is not None and token != ("sign", ")"):
            if token == ("word", "AND"):
                self._place += 1
            tests.append(self._either(depth))
        return lambda resource: all(test(resource) for test in tests)

    def _either(self, depth: int) -> Test:
        tests = [self._operand(depth)]
        while self._next() == ("word", "OR"):
            self._place += 1
            tests.append(self._operand(depth))
        return lambda resource: any(test(resource) for test in tests)

    def _operand(self, depth: int) -> Test:
        token = self._next()
        if token in (("word", "NOT"), ("minus", "-")):
            self._place += 1
            turned = self._operand(depth + 1) if depth < _DEPTH_LIMIT else None
            if turned is None:
                raise self._refused()
            return lambda resource: not turned(resource)
        if token == ("sign", "("):
            self._place += 1
            inner = self._conjunction(depth + 1)
            if self._next() != ("sign", ")"):
                raise self._refused()
            self._place += 1
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        field, sign, value = self._take("word"), self._take("sign"), self._take("word", "quoted")
        if sign not in _SIGNS:
            raise self._refused()
        path = field.split(".")
        return lambda resource: _holds(resource, path, sign, value)

    def _take(self, *kinds: str) -> str:
        token = self._next()
        if token is None or token[0] not in kinds:
            raise self._refused()
        self._place += 1
        kind, value = token
        return re.sub(r"\\(.)", r"\1", value[1:-1]) if kind == "quoted" else value

    def _next(self) -> tuple[str, str] | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _refused(self) -> ApiError:
        return invalid(f"the filter {self._text!r:.200} can't be read: field:value is expected.")


def _holds(resource: Any, path: list[str], sign: str, value: str) -> bool:  # noqa: ANN401 - JSON
    values = list(_values(resource, path))
    if sign == "!=":
        return not any(_equal(item, value) for item in values)
    if sign in (":", "="):
        return any(_equal(item, value) for item in values)
    return any(_ordered(item, sign, value) for item in values)


def _values(resource: Any, path: list[str]) -> Iterator[object]:  # noqa: ANN401 - any JSON value
    """Yield the values that a path leads to: several where it passes a list."""
    if isinstance(resource, list | tuple):
        for item in resource:
            yield from _values(item, path)
    elif not path:
        # An object is there, and has its keys.
        yield from resource if isinstance(resource, Mapping) else (resource,)
    elif isinstance(resource, Mapping):
        # A label's key may have dots of its own.
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in resource:
                yield from _values(resource[name], path[length:])


def _equal(field_value: object, value: str) -> bool:
    plain = value.replace("[", "[[]").replace("?", "[?]").lower()
    return fnmatchcase(_text(field_value).lower(), plain)


def _ordered(field_value: object, sign: str, value: str) -> bool:
    text = _text(field_value)
    try:
        order = float(text) - float(value)
    except ValueError:
        order = (text > value) - (text < value)
    if sign.endswith("=") and order == 0:
        return True
    return order < 0 if sign.startswith("<") else order > 0


def _text(field_value: object) -> str:
    return str(field_value).lower() if isinstance(field_value, bool) else str(field_value)
