"""The operating system user who runs PostgreSQL."""

import os
import pwd
from dataclasses import dataclass

# initdb and postgres refuse root. Debian's package makes the first; every system has the second.
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An operating system user.

    Attributes:
        name: Login name.
        uid: User number.
        gid: Number of the user's first group.
    """

    name: str
    uid: int
    gid: int

    @property
    def is_self(self) -> bool:
        """Whether this process runs as that user already."""
        return self.uid == os.geteuid()


def own() -> Account:
    """Return the user of this process."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        # A container may run under a number that has no name; peer authentication then fails
        # with PostgreSQL's own words.
        name = str(uid)
    return Account(name, uid, os.getegid())


def cluster_owner() -> Account:
    """Return who runs the clusters: this process's user, or an unprivileged one for root."""
    if os.geteuid() != 0:
        return own()
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return own()
