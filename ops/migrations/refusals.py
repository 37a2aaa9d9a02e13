"""Why PostgreSQL's grammar refuses a text, where its own words send people the wrong way."""

import re
import unicodedata

from ops.errors import BadInputError
from ops.migrations.errors import ByteOrderMarkError, CopiedRowsError, PsqlCommandError

BYTE_ORDER_MARK = "\ufeff"
_COPY = re.compile(r"^[ \t]*COPY\b[^;]*\bFROM\s+STDIN\b[^;]*;", re.IGNORECASE | re.MULTILINE)
_END_OF_ROWS = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)
_PSQL = re.compile(r"\\[^\s\\;]+")


def cause(file: str, text: str, place: int, first_line: int) -> BadInputError | None:
    """Return what a refused text really is, where that is known.

    Args:
        file: its name.
        text: what the grammar refuses.
        place: of the refused character.
        first_line: of the text in the file.
    """
    copy = _last_copy(text, place)
    if copy is not None:
        return CopiedRowsError(file, first_line + text.count("\n", 0, copy.start()))
    line = first_line + text.count("\n", 0, place)
    if text[place : place + 1] == BYTE_ORDER_MARK:
        return ByteOrderMarkError(file, line)
    if command := _PSQL.match(text, place):
        return PsqlCommandError(file, line, command[0])
    return None


def reason(message: str, character: str) -> str:
    """Return the grammar's own words as a sentence with a remedy.

    Args:
        message: PostgreSQL's.
        character: where it stopped; invisible ones are named.
    """
    words = " ".join(message.split())
    if words.startswith("memory exhausted"):
        return (
            f"{words}: the statement is nested too deeply for PostgreSQL's own parser. Split it, "
            "then run the same command again."
        )
    invisible = character and not character.isascii() and unicodedata.category(character)[0] in "ZC"
    if invisible:
        name = unicodedata.name(character, "no name")
        words = f"{words} (this character is U+{ord(character):04X}, {name})"
    return f"{words}. To go on, mend that line and run the same command again."


def _last_copy(text: str, place: int) -> re.Match[str] | None:
    """Return the COPY FROM STDIN whose rows the refused place is among."""
    copies = list(_COPY.finditer(text, 0, place))
    if not copies or _END_OF_ROWS.search(text, copies[-1].end(), place):
        return None
    # Where a whole statement is between, the refusal is of something after that.
    return None if ";\n" in text[copies[-1].end() : place] else copies[-1]
