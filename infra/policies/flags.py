"""Database flags together: known, within memory, timeouts, replicas, approvals."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from infra.flags import (
    FlagError,
    FlagRangeError,
    FlagValue,
    FlagValueError,
    compile_flag,
    compile_flags,
    in_words,
)
from infra.flags.budget import Level, default_connections, reckon
from infra.flags.vacuum import hindrances
from infra.policies.limits import APPROVAL_DAYS, IDLE_MOST_MS, LOCK_WAIT_MOST_MS, STATEMENT_MOST_MS
from infra.policies.roles import IDLE, LOCK, MOST_MS, STATEMENT
from infra.policies.rule import (
    Answer,
    Ids,
    Rule,
    Seen,
    Severity,
    aside,
    broken,
    either,
    fine,
    unknown,
)
from infra.policies.subject import Origin, Subject
from infra.settings.replicas import AT_LEAST_THE_PRIMARYS
from ops.tiers import BadTierError, Tier, parse_tier

APPROVAL = "restart-approved"
# Kept for superusers, whom no application is, and not among the flags of Cloud SQL:
# https://www.postgresql.org/docs/15/runtime-config-connection.html#GUC-SUPERUSER-RESERVED-CONNECTIONS
SUPERUSERS_CONNECTIONS = 3


def _tier(s: Subject) -> Tier | None:
    try:
        return parse_tier(s.text("settings.tier"), s.text("settings.edition") or "ENTERPRISE")
    except BadTierError:
        return None  # told by tier-grammar and allowed-machine


def _connections(s: Subject) -> Answer:
    needed, most = s.fact("pool_connections"), _max_connections(s)
    if most is None:
        return unknown("max_connections follows the tier, and nobody knows that one")
    free = most - SUPERUSERS_CONNECTIONS
    words = (
        f"max_connections {most}, {SUPERUSERS_CONNECTIONS} of them for superusers alone; the pools"
        f" may open {needed}"
    )
    return either(free >= needed, words)


def _max_connections(s: Subject) -> int | None:
    """Return the flag, or what Cloud SQL sets by the tier; None where the tier is not known."""
    if "max_connections" in s.flags:
        return int(s.flags["max_connections"])
    tier = _tier(s)
    return None if tier is None else default_connections(tier.memory_mb)


def _known(s: Subject) -> Answer:
    tier = _tier(s)
    wrong: list[str] = []
    for name, value in s.flags.items():
        try:
            compile_flag(name, value, tier.memory_mb if tier else None)
        except FlagError as error:
            wrong.append(str(error))
    return broken(" ".join(wrong)) if wrong else fine(f"{len(s.flags)} flags")


def _once(s: Subject) -> Answer:
    names = Counter(str(flag.get("name")) for flag in s.entries("settings.databaseFlags"))
    twice = sorted(name for name, count in names.items() if count > 1)
    return broken(f"twice: {', '.join(twice)}") if twice else fine("each flag once")


def _memory(s: Subject) -> Answer:
    tier = _tier(s)
    if tier is None:
        return unknown("the tier's memory is not known: see tier-grammar and allowed-machine")
    flags, unreadable = _read(s)
    if unreadable:
        return unknown(unreadable)
    budget = reckon(flags, tier.memory_mb)
    return either(budget.level is not Level.OVER, budget.sentence)


def _read(s: Subject) -> tuple[Sequence[FlagValue], str]:
    """Return the known flags in base units, and which values say nothing."""
    flags, wrong = compile_flags(s.flags)
    values = [error for error in wrong if isinstance(error, FlagValueError | FlagRangeError)]
    return flags, " ".join(map(str, values))


def _vacuum(s: Subject) -> Answer:
    flags, unreadable = _read(s)
    if unreadable:
        return unknown(unreadable)
    hindered = " ".join(hindrances({flag.name: flag.value for flag in flags}))
    return broken(hindered) if hindered else fine("on, with flags that let it work")


def _ends(name: str, s: Subject) -> Answer:
    value = s.flag(name)
    words = f"{name} {in_words(name, value) if value else 'unset'}"
    if not (value.isdigit() and 0 < int(value) <= MOST_MS[name]):
        return broken(words)
    # A replica has its primary's roles and their settings.
    of_primary = s.is_replica and s.facts.endless_roles is None
    subject = s.facts.primary if of_primary else s
    if subject is None:
        return unknown(f"its primary {s.text('masterInstanceName')} was not seen")
    return _ends_for_roles(name, subject, words, f"{words}, and not for")


def _ends_for_roles(name: str, s: Subject, fine_words: str, not_for: str) -> Answer:
    """Return whether a timeout stops every role in time; of which it does not follows the words."""
    if s.facts.roles_unread:
        return unknown(f"settings of roles and databases were not read: {s.facts.roles_unread}")
    endless = s.fact("endless_roles").get(name, ())
    return broken(f"{not_for} {', '.join(endless)}") if endless else fine(fine_words)


def _idle(s: Subject) -> Answer:
    return _ends(IDLE, s)


def _waiting(s: Subject) -> Answer:
    return _ends(LOCK, s)


def _statements(s: Subject) -> Answer:
    where = "by the settings of roles and databases" if s.origin is Origin.LIVE else "by sql/roles"
    return _ends_for_roles(STATEMENT, s, where, "none for")


def _as_large(s: Subject) -> Answer:
    if not s.is_replica:
        return aside("it is no replica")
    primary = s.facts.primary
    if primary is None:
        return unknown(f"its primary {s.text('masterInstanceName')} was not seen")
    if _max_connections(s) is None or _max_connections(primary) is None:
        return unknown("max_connections follows the tier, and nobody knows that one")
    less = tuple(_less(s, primary))
    return broken("; ".join(less)) if less else fine("as large as the primary's")


def _less(s: Subject, primary: Subject) -> Iterator[str]:
    for name in AT_LEAST_THE_PRIMARYS:
        own, needed = (_in_force(name, subject) for subject in (s, primary))
        if own < needed:
            yield f"{name} {own}, the primary's {needed}"


def _in_force(name: str, s: Subject) -> int:
    if name == "max_connections":
        return _max_connections(s) or 0
    return int(s.flag(name))


def _approved(s: Subject) -> Answer:
    restarts = s.fact("restarts")
    if not restarts:
        return fine("no restart is pending")
    pending = f"{', '.join(restarts)} would restart it"
    if not s.fact("production"):
        return aside(f"{pending}, and it is not production")
    label = s.fact("approval")
    try:
        age = s.now.date() - date.fromisoformat(label)
    except ValueError:
        return broken(f"{pending}, without approval")
    good = timedelta(0) <= age <= timedelta(days=APPROVAL_DAYS)
    return either(good, f"{pending}, approved {label}")


RULES = (
    Rule(
        id="enough-connections",
        row=31,
        title="The instance takes the connections that the application's pools may open",
        severity=Severity.MEDIUM,
        ask=_connections,
        remedy=(
            f"Set flags: max_connections to poolMaxConnections + {SUPERUSERS_CONNECTIONS} or more."
        ),
        ids=Ids(cloudsploit=("postgresqlMaxConnections",)),
    ),
    Rule(
        id="known-flags",
        row=46,
        title="Every flag is known, of its type, and in range",
        severity=Severity.HIGH,
        ask=_known,
        remedy="Correct it under flags; `invoke flags.explain NAME` tells what it takes.",
    ),
    Rule(
        id="memory-budget",
        row=47,
        title="What the flags let PostgreSQL take in typical use fits the tier's memory",
        severity=Severity.HIGH,
        ask=_memory,
        remedy="Lower shared_buffers, work_mem or max_connections under flags, or raise tier.",
    ),
    Rule(
        id="autovacuum-works",
        row=47,
        title="The flags leave autovacuum on, and let it work",
        severity=Severity.HIGH,
        ask=_vacuum,
        remedy="Take the flags that it names out of flags; their defaults let autovacuum work.",
    ),
    Rule(
        id="idle-transactions-end",
        row=49,
        title=f"A role's idle transaction ends within {IDLE_MOST_MS // 60_000} minutes",
        severity=Severity.MEDIUM,
        ask=_idle,
        remedy=(
            "Set flags: idle_in_transaction_session_timeout: 10min; `invoke roles.apply --prune`"
            " takes away what overrides it for a role or database."
        ),
    ),
    Rule(
        id="lock-waits-end",
        row=49,
        title=f"No role waits for a lock longer than {LOCK_WAIT_MOST_MS // 60_000} minutes",
        severity=Severity.LOW,
        ask=_waiting,
        remedy=(
            "Set flags: lock_timeout: 1min; `invoke roles.apply` sets less for some roles, and"
            " with --prune takes away what overrides it."
        ),
    ),
    Rule(
        id="statements-end",
        row=49,
        title=(
            "The application's and the readers' statements end by statement_timeout within"
            f" {STATEMENT_MOST_MS // 60_000} minutes"
        ),
        severity=Severity.MEDIUM,
        ask=_statements,
        remedy=(
            "Set it in sql/roles/login_ROLE.sql; `invoke roles.apply` brings it there, and with"
            " --prune takes away what overrides it."
        ),
        of_replicas=False,
    ),
    Rule(
        id="replica-settings",
        row=54,
        title="A replica's connections and workers are at least its primary's",
        severity=Severity.HIGH,
        ask=_as_large,
        remedy="Set them under the replica's flags in replicas, or take them out there.",
    ),
    Rule(
        id="no-duplicate-flags",
        row=55,
        title="No flag is given twice",
        severity=Severity.HIGH,
        ask=_once,
        remedy="Leave one of both under flags.",
    ),
    Rule(
        id="restart-approved",
        row=48,
        title="A flag that restarts production is approved by a label",
        severity=Severity.HIGH,
        ask=_approved,
        remedy=f"Set labels: {APPROVAL}: YYYY-MM-DD of today; it counts {APPROVAL_DAYS} days.",
        seen=Seen.LIVE,
    ),
)
