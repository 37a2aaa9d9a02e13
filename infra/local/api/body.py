"""Requests in their canonical form, checked against the API's own messages.

google-cloud-sql carries the descriptors of every message. A request is walked along them:
names become JSON names, enum numbers become their words, 64-bit numbers become strings,
as in the API's responses; nulls and empty lists stay, since they mean something in a PATCH.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import (  # type: ignore[import-untyped]  # it ships no types
    Descriptor,
    FieldDescriptor,
)

from infra.local.api import scalars
from infra.local.api.errors import ApiError, bad_value, invalid, unknown_field
from infra.local.model import Body

_IDENTIFIER_BYTES = 63  # PostgreSQL's NAMEDATALEN, less one
# Messages that are written as one string in JSON.
_STRINGS: Mapping[str, scalars.Reader] = {
    "google.protobuf.Timestamp": scalars.timestamp,
    "google.protobuf.Duration": scalars.duration,
    "google.protobuf.FieldMask": scalars.text,
}
# The wrappers of single values, written as the bare value in JSON.
_WRAPPERS = {
    f"google.protobuf.{name}Value"
    for name in ("Bool", "Int32", "UInt32", "Int64", "UInt64", "String", "Double", "Float")
}


def canonical(message: str, raw: object) -> Body:
    """Return a request's body in its canonical form.

    Args:
        message: The API's name of the message, as ``DatabaseInstance``.
        raw: The parsed JSON.

    Raises:
        ApiError: 400 with the path of the first unknown field or wrong value, in the
            messages' own names, as the API tells it.
    """
    return _message(descriptor(message), raw, "body")


@cache
def descriptor(message: str) -> Descriptor:
    """Return a message's descriptor by the API's name of it."""
    # Half a second that the server's start and reading requests need not wait for.
    from google.cloud import sqladmin_v1beta4

    fields: Descriptor = getattr(sqladmin_v1beta4, message).pb().DESCRIPTOR
    return fields


@cache
def fields_of(kind: Descriptor) -> Mapping[str, FieldDescriptor]:
    """Return a message's fields by both of their names."""
    by_json = {field.json_name: field for field in kind.fields}
    return {field.name: field for field in kind.fields} | by_json


def _message(kind: Descriptor, raw: object, path: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise bad_value(path, f"type.googleapis.com/{kind.full_name}", raw)
    result: dict[str, Any] = {}
    for name, value in raw.items():
        field = fields_of(kind).get(name)
        if field is None:
            raise unknown_field(name, path)
        result[field.json_name] = _field(field, value, f"{path}.{field.name}")
    return result


def _field(field: FieldDescriptor, value: object, path: str) -> object:
    if value is None:
        return None
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        if not isinstance(value, dict):
            raise bad_value(path, "map", value)
        entry = inner.fields_by_name["value"]
        return {str(key): _single(entry, item, f"{path}.{key}") for key, item in value.items()}
    if field.is_repeated:
        if not isinstance(value, list):
            raise bad_value(path, "list", value)
        return [_single(field, item, f"{path}[{place}]") for place, item in enumerate(value)]
    return _single(field, value, path)


def _single(field: FieldDescriptor, value: object, path: str) -> object:
    inner = field.message_type
    if inner is not None:
        if (string := _STRINGS.get(inner.full_name)) is not None:
            return string(value, path)
        if inner.full_name in _WRAPPERS:
            return None if value is None else _single(inner.fields[0], value, path)
        return _message(inner, value, path)
    if field.enum_type is not None:
        return scalars.word(field.enum_type, value, path)
    return scalars.reader(field)(value, path)


def merged(before: Body, change: Body) -> dict[str, Any]:
    """Return an object with a PATCH applied: objects merge, lists are replaced, null removes."""
    result = dict(before)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = without_nulls(value)
    return result


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value without the fields that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return value


def required(body: Body, *path: str) -> str:
    """Return a field that a request must have.

    Raises:
        ApiError: 400 naming it.
    """
    value: Any = body
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not value:
        raise ApiError(400, "required", f"Missing parameter: {'.'.join(path)}.")
    return str(value)


def identifier(body: Body, name: str) -> str:
    """Return a name that a request must have, and that PostgreSQL would not cut off.

    Raises:
        ApiError: 400 naming the field.
    """
    identifier_text = required(body, name)
    if len(identifier_text.encode()) > _IDENTIFIER_BYTES:
        raise invalid(f"{name} {identifier_text:.80} is longer than {_IDENTIFIER_BYTES} bytes.")
    return identifier_text
