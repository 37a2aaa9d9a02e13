"""Roles, grants, settings and migrations that are not those of the source."""

from ops.restore.faults.statements import as_owner

FAULTS = (
    as_owner("lost-grant", "a grant, revoked", "grant on a table", "grants"),
    as_owner("extra-grant", "everybody may read a table", "table to grant", "grants"),
    as_owner(
        "lost-default-privileges", "grants on objects to come", "default privileges", "grants"
    ),
    as_owner("lost-role", "a role, dropped", "role that owns nothing", "roles"),
    as_owner("changed-role", "a role that may do more", "role that may less", "roles"),
    as_owner("lost-membership", "a role out of its group", "membership", "roles"),
    as_owner("lost-setting", "settings of a role", "settings of a role", "settings"),
    as_owner(
        "refused-application", "the application's password", "application's role", "application"
    ),
    as_owner("lost-migration", "a migration's record", "ledger with migrations", "migrations"),
    as_owner("unfinished-migration", "half a migration", "ledger with steps", "migrations"),
)
