"""Restored backups that lack what is older than they are."""

from ops.restore.faults import cluster
from ops.restore.faults.fault import Fault
from ops.restore.faults.statements import Statement


def _lacking(name: str, what: str, of: str, file: str) -> Fault:
    """Return a fault that the owner puts into a restored backup by another fault's statement."""
    spoil = Statement(name, of, cluster.as_owner, file)
    return Fault(name, what, "objects", restored=spoil)


FAULTS = (
    _lacking("grant-not-in-backup", "a backup without a grant", "grant on a table", "lost-grant"),
    _lacking("trigger-not-in-backup", "a backup without a trigger", "trigger", "lost-trigger"),
    _lacking(
        "function-not-in-backup", "another function in a backup", "function", "changed-function"
    ),
)
