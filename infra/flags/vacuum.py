"""Whether a set of flags leaves autovacuum at work: off, or as good as off, is a finding.

Switched off it saves no memory either: PostgreSQL starts its workers against wraparound all
the same (https://www.postgresql.org/docs/15/runtime-config-autovacuum.html#GUC-AUTOVACUUM).
What a table sets for itself (``autovacuum_enabled``) is not a flag, and not looked at.
"""

from collections.abc import Iterator, Mapping

from infra.flags.catalogue import catalogue
from infra.flags.values import in_words

# Ours: PostgreSQL's default is a minute.
NAPTIME_MOST_S = 3600
# At 1 a table is left alone until as many rows are dead as were alive; the default is 0.2.
SCALE_MOST = 1.0
# Ours: rows that a table of any size may gather; the default is 50.
THRESHOLD_MOST = 1_000_000
# A tenth of what PostgreSQL did until version 11, which was too slow by default (200 each
# 20 ms): 50 pages a second are written. Since then it is 200 each 2 ms.
COST_A_SECOND_LEAST = 1000


def hindrances(values: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each flag that keeps autovacuum from its work.

    Args:
        values: By the flag's name, as the API takes them; what is unset has its default.
    """
    set_ = {name: flag.default for name, flag in catalogue().items()} | dict(values)
    yield from _switches(set_)
    yield from _waits(set_)
    yield from _rests(set_)


def _switches(values: Mapping[str, str]) -> Iterator[str]:
    effects = {
        "autovacuum": "dead rows are not removed, and no memory is saved",
        "track_counts": "autovacuum does not see which tables have changed",
    }
    for name, effect in effects.items():
        if values[name] != "on":
            yield f"{name} is {values[name]}: {effect}."


def _waits(values: Mapping[str, str]) -> Iterator[str]:
    most = {
        "autovacuum_naptime": NAPTIME_MOST_S,
        "autovacuum_vacuum_threshold": THRESHOLD_MOST,
        "autovacuum_analyze_threshold": THRESHOLD_MOST,
    }
    for name, limit in most.items():
        if int(values[name]) > limit:
            yield (
                f"{name} is {in_words(name, values[name])}: autovacuum comes too late above"
                f" {in_words(name, str(limit))}."
            )
    for name in ("autovacuum_vacuum_scale_factor", "autovacuum_analyze_scale_factor"):
        if float(values[name]) >= SCALE_MOST:
            yield (
                f"{name} is {values[name]}: a table waits for autovacuum until as many rows have"
                " changed as it holds, or more."
            )


def _rests(values: Mapping[str, str]) -> Iterator[str]:
    def own(name: str) -> int:
        """Return autovacuum's own value, where that is -1 the one of VACUUM."""
        value = int(values[f"autovacuum_{name}"])
        return int(values[name]) if value < 0 else value

    delay_ms, limit = own("vacuum_cost_delay"), own("vacuum_cost_limit")
    if delay_ms and limit * 1000 / delay_ms < COST_A_SECOND_LEAST:
        yield (
            f"autovacuum_vacuum_cost_delay and _limit let autovacuum spend"
            f" {limit * 1000 / delay_ms:.0f} of cost a second, and less than {COST_A_SECOND_LEAST}"
            " does not keep up with changes."
        )
