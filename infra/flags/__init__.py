"""Database flags: the catalogue, people's units into the API's, ranges."""

from infra.flags.catalogue import Flag, FlagType, catalogue
from infra.flags.errors import (
    FlagError,
    FlagRangeError,
    FlagValueError,
    NotACloudSqlFlagError,
    UnknownFlagError,
)
from infra.flags.values import (
    FlagRange,
    FlagValue,
    FlagWord,
    compile_flag,
    compile_flags,
    find,
    in_words,
    misfits,
    permitted,
)

__all__ = [
    "Flag",
    "FlagError",
    "FlagRange",
    "FlagRangeError",
    "FlagType",
    "FlagValue",
    "FlagValueError",
    "FlagWord",
    "NotACloudSqlFlagError",
    "UnknownFlagError",
    "catalogue",
    "compile_flag",
    "compile_flags",
    "find",
    "in_words",
    "misfits",
    "permitted",
]
