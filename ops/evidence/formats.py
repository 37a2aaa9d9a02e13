"""Which formats of records this version reads: a newer one is refused, never guessed at."""

from collections.abc import Mapping

FIRST = 1  # without number, run and page; from before there was a head
# 2 had number, run, page and head.
CURRENT = 3  # the drill's measures, by name


def is_newer(document: Mapping[str, object]) -> bool:
    """Return whether a record has a format of a later version than this one."""
    number = document.get("format")
    return isinstance(number, int) and not isinstance(number, bool) and number > CURRENT


def refuse(document: Mapping[str, object]) -> str:
    """Return why a record's format can't be read, in a sentence; empty where it can."""
    if is_newer(document):
        return (
            f"it has format {document['format']}, and this version reads up to format {CURRENT}. "
            f"{_writer(document)}"
        )
    if "format" not in document:
        return "it does not say its format"
    number = document["format"]
    known = isinstance(number, int) and not isinstance(number, bool) and number >= FIRST
    return "" if known else f"its format {number!r} is not a number of a format"


def _writer(document: Mapping[str, object]) -> str:
    versions, commit = document.get("versions"), document.get("commit")
    version = versions.get("ai-square-db") if isinstance(versions, Mapping) else None
    if not version:
        return "Read it with a newer version of ai-square-db"
    of = f" (commit {str(commit)[:12]})" if commit else ""
    return f"Read it with ai-square-db {version}{of}, which wrote it, or a newer version"
