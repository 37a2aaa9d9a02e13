"""Sequences that hand out what is taken, or that feed nothing."""

from ops.restore.faults.statements import as_owner

FAULTS = (
    as_owner("lagging-sequence", "a sequence, at its start", "one that moved", "sequences"),
    as_owner("leading-sequence", "a sequence, far ahead", "one that was used", "sequences"),
    as_owner("changed-sequence", "a sequence's step", "sequence", "sequence_definitions"),
    as_owner("ownerless-sequence", "a sequence without column", "serial", "sequence_definitions"),
    as_owner("lost-identity", "a column's identity", "identity column", "columns"),
)
