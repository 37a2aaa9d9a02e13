"""Single values of a request, read as the API's JSON parser reads them."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from google.protobuf.descriptor import (  # type: ignore[import-untyped]  # it ships no types
    EnumDescriptor,
    FieldDescriptor,
)

from infra.local.api.errors import bad_value

Scalar = bool | int | float | str
Reader = Callable[[object, str], Scalar]

_DIGITS = re.compile(r"-?[0-9]{1,20}")
_DURATION = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?s")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ILLEGAL_TIME = (
    "Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone offset."
)


def integer(kind: str, minimum: int, maximum: int) -> Callable[[object, str], int]:
    """Return a reader of whole numbers, which may come as strings or as 5.0."""

    def read(value: object, path: str) -> int:
        number: int | None = None
        if isinstance(value, float) and value.is_integer():
            number = int(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, str) and _DIGITS.fullmatch(value):
            number = int(value)
        if number is None or not minimum <= number <= maximum:
            raise bad_value(path, f"TYPE_{kind}", value)
        return number

    return read


_INT64 = integer("INT64", -(2**63), 2**63 - 1)
_UINT64 = integer("UINT64", 0, 2**64 - 1)
_INTEGERS: Mapping[int, Reader] = {
    FieldDescriptor.TYPE_INT32: integer("INT32", -(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: integer("UINT32", 0, 2**32 - 1),
    # 64-bit numbers are strings in JSON.
    FieldDescriptor.TYPE_INT64: lambda value, path: str(_INT64(value, path)),
    FieldDescriptor.TYPE_UINT64: lambda value, path: str(_UINT64(value, path)),
}


def reader(field: FieldDescriptor) -> Reader:
    """Return what reads a field's values."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return boolean
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return _float
    return _INTEGERS.get(field.type, text)


def word(enum: EnumDescriptor, value: object, path: str) -> str:
    """Return an enum's word, which may come as its number."""
    enum_value = None
    if isinstance(value, int) and not isinstance(value, bool):
        enum_value = enum.values_by_number.get(value)
    elif isinstance(value, str):
        enum_value = enum.values_by_name.get(value)
    if enum_value is None:
        raise bad_value(path, f"type.googleapis.com/{enum.full_name}", value)
    return str(enum_value.name)


def boolean(value: object, path: str) -> bool:
    """Return true or false."""
    if isinstance(value, bool):
        return value
    raise bad_value(path, "TYPE_BOOL", value)


def _float(value: object, path: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise bad_value(path, "TYPE_DOUBLE", value)


def text(value: object, path: str) -> str:
    """Return a string; one with a zero byte would reach PostgreSQL cut off."""
    if isinstance(value, str) and "\0" not in value:
        return value
    raise bad_value(path, "TYPE_STRING", value)


def timestamp(value: object, path: str) -> str:
    """Return an RFC 3339 time as it came."""
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        try:
            datetime.fromisoformat(value.upper())
        except ValueError:
            pass
        else:
            return value
    raise bad_value(path, "type.googleapis.com/google.protobuf.Timestamp", value, _ILLEGAL_TIME)


def duration(value: object, path: str) -> str:
    """Return a length of time as it came, as ``3600s``."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return value
    raise bad_value(
        path,
        "type.googleapis.com/google.protobuf.Duration",
        value,
        "Illegal duration format; duration must end with 's'",
    )
