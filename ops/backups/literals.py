"""INSERT statements of nothing but constants, recognized without a parser.

A dump of gigabytes may consist of them. What does not match is left to the parser: a statement
that matches can't call anything.
"""

import re

# Letters and blanks are those of ASCII, as PostgreSQL has them; other names take the parser.
_FLAGS = re.IGNORECASE | re.DOTALL | re.ASCII
_STRING = r"'[^']*+(?:''[^']*+)*+'"
_ESCAPED = r"[eE]'(?:[^'\\]|\\.|'')*+'"
_NUMBER = r"[-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?"
_VALUE = rf"(?:{_STRING}|{_ESCAPED}|[bBxX]{_STRING}|NULL|DEFAULT|TRUE|FALSE|{_NUMBER})"
_PART = r'(?:"(?:[^"]|"")++"|[a-z_][a-z0-9_$]*+)'
_HEAD = re.compile(
    rf"INSERT\s+INTO\s+({_PART}(?:\.{_PART})?)\s*(?:\(\s*{_PART}(?:\s*,\s*{_PART})*+\s*\)\s*)?"
    r"(?:OVERRIDING\s+(?:SYSTEM|USER)\s+VALUE\s+)?VALUES\s*",
    _FLAGS,
)
_ROW = re.compile(
    rf"\(\s*{_VALUE}(?:\s*,\s*{_VALUE})*+\s*\)\s*(,\s*)?", re.IGNORECASE | re.DOTALL | re.ASCII
)


def count_rows(text: str) -> tuple[str, int] | None:
    """Return the table's name as it is written, and how many rows a statement inserts.

    None for what is anything else than an INSERT of constants.
    """
    head = _HEAD.match(text)
    if head is None:
        return None
    place, rows = head.end(), 0
    while match := _ROW.match(text, place):
        place, rows = match.end(), rows + 1
        if match[1] is None:
            return (head[1], rows) if place == len(text) else None
    return None
