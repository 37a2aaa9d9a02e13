"""What a drill or a restore compared with nothing, as every report says it.

No record is kept of the rows that a backup held as it was taken, so that rows which are lost,
changed or zeroed in a restored backup are not seen.
"""

from collections.abc import Sequence

NOT_COMPARED = "not_compared"  # the key of a record


def of_backups(ids: Sequence[str]) -> tuple[str, ...]:
    """Return what was not compared of restored backup runs; nothing where there are none."""
    known = [run for run in ids if run]
    if not known:
        return ()
    runs = f"backup run{'s' if len(known) > 1 else ''} {' and '.join(known)}"
    return (f"the rows of {runs} with those that were backed up",)


def of_databases(names: Sequence[str], examined: str) -> tuple[str, ...]:
    """Return which databases nobody looked at; nothing where there is no other one."""
    if not names:
        return ()
    return (f"anything in databases other than {examined} ({', '.join(names)})",)


def sentence(parts: Sequence[str]) -> str:
    """Return the line that stands beside a verdict; empty where all was compared."""
    return f"Not compared: {'; '.join(parts)}." if parts else ""
