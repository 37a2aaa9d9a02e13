"""The operations under trial: how each begins, whom a kill may hit, what has to hold after it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bench.kills.estate import PASSWORD, Estate, TroubleError
from bench.kills.writer import Writer, numbers

HA, PAIR, VAULT, MADE = "ha", ("lead", "twin"), "vault", "made"
STANDING = frozenset({HA, *PAIR, VAULT})
BACKUPS = {"enabled": True, "pointInTimeRecoveryEnabled": True}
_VAULT_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Trial:
    """One operation of a round.

    Attributes:
        operation: Its id.
        victims: The instances whose clusters may be killed.
        check: Raises TroubleError if what it left is not as its error (or None) says.
    """

    operation: str
    victims: tuple[str, ...]
    check: Callable[[str | None], None]


Begin = Callable[[Estate, Writer, random.Random], Trial]


def body(name: str, **settings: object) -> dict[str, Any]:
    """Return the body of an instance to be made."""
    return {
        "name": name,
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "rootPassword": PASSWORD,
        "settings": {"tier": "db-custom-1-3840", "edition": "ENTERPRISE", **settings},
    }


def furnish(estate: Estate) -> None:
    """Make the instances that stand through all rounds."""
    estate.do(
        "POST", "instances", body(HA, availabilityType="REGIONAL", backupConfiguration=BACKUPS)
    )
    estate.do("POST", "instances", body(PAIR[0], backupConfiguration=BACKUPS))
    replica = body(PAIR[1]) | {"masterInstanceName": PAIR[0]}
    replica["settings"] = {"tier": "db-custom-1-3840"}
    estate.do("POST", "instances", replica)
    estate.do("POST", "instances", body(VAULT, backupConfiguration={"enabled": True}))
    with estate.connect(VAULT) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, %s) n", (_VAULT_ROWS,))
        connection.execute("CREATE TABLE later (n bigint)")
    estate.do("POST", f"instances/{VAULT}/backupRuns", {})


def create(estate: Estate, _writer: Writer, chance: random.Random) -> Trial:
    """Make an instance: plain, recoverable to a point in time, or with a standby."""
    settings = chance.choice(
        ({}, {"backupConfiguration": BACKUPS}, {"availabilityType": "REGIONAL"})
    )
    operation = estate.begin("POST", "instances", body(MADE, **settings))
    return Trial(operation, (MADE,), lambda error: _made_or_not(estate, error))


def clone(estate: Estate, writer: Writer, _chance: random.Random) -> Trial:
    """Clone the instance that is written to; what was promised before is in the clone."""
    promised = writer.promised()
    context = {"cloneContext": {"destinationInstanceName": MADE}}
    operation = estate.begin("POST", f"instances/{HA}/clone", context)

    def check(error: str | None) -> None:
        _made_or_not(estate, error)
        if error is None:
            with estate.connect(MADE) as connection:
                lost = promised - numbers(connection)
            if lost:
                raise TroubleError(f"the clone lacks {len(lost)} commits")

    return Trial(operation, (HA, MADE), check)


def backup(estate: Estate, _writer: Writer, _chance: random.Random) -> Trial:
    """Take a backup of the instance that is written to."""
    operation = estate.begin("POST", f"instances/{HA}/backupRuns", {})
    _, answer = estate.ask("GET", f"operations/{operation}")
    run = answer["backupContext"]["backupId"]

    def check(error: str | None) -> None:
        _, found = estate.ask("GET", f"instances/{HA}/backupRuns/{run}")
        wanted = "SUCCESSFUL" if error is None else "FAILED"
        if found.get("status") != wanted:
            raise TroubleError(f"the backup run is {found}, not {wanted}: {error}")
        estate.do("DELETE", f"instances/{HA}/backupRuns/{run}")

    return Trial(operation, (HA,), check)


def failover(estate: Estate, _writer: Writer, _chance: random.Random) -> Trial:
    """Fail over the instance that is written to."""
    version = estate.instances()[HA]["settings"]["settingsVersion"]
    context = {"failoverContext": {"settingsVersion": version}}
    operation = estate.begin("POST", f"instances/{HA}/failover", context)
    return Trial(operation, (HA,), lambda _error: None)


def switchover(estate: Estate, _writer: Writer, _chance: random.Random) -> Trial:
    """Let primary and replica change their roles."""
    replica = _replicas(estate)[0]
    operation = estate.begin("POST", f"instances/{replica}/switchover")

    def check(error: str | None) -> None:
        left = _replicas(estate)
        if len(left) != 1 or (error is None and left == [replica]):
            raise TroubleError(f"the replicas are {left} after a switchover to {replica}: {error}")

    return Trial(operation, PAIR, check)


def restore(estate: Estate, _writer: Writer, _chance: random.Random) -> Trial:
    """Restore a backup in place: what was written after it goes, unless the restore failed."""
    with estate.connect(VAULT) as connection:
        connection.execute("INSERT INTO later VALUES (1)")
    _, runs = estate.ask("GET", f"instances/{VAULT}/backupRuns")
    run = next(one["id"] for one in runs["items"] if one["status"] == "SUCCESSFUL")
    context = {"restoreBackupContext": {"backupRunId": run}}
    operation = estate.begin("POST", f"instances/{VAULT}/restoreBackup", context)

    def check(error: str | None) -> None:
        with estate.connect(VAULT) as connection:
            kept = connection.execute("SELECT count(*) FROM kept").fetchone()
            later = connection.execute("SELECT count(*) FROM later").fetchone()
        if kept != (_VAULT_ROWS,) or (later == (0,)) != (error is None):
            raise TroubleError(f"restored: {kept} kept, {later} later, error {error}")

    return Trial(operation, (VAULT,), check)


def delete(estate: Estate, _writer: Writer, _chance: random.Random) -> Trial:
    """Delete an instance."""
    estate.do("POST", "instances", body(MADE))
    operation = estate.begin("DELETE", f"instances/{MADE}")

    def check(error: str | None) -> None:
        if (MADE in estate.instances()) is (error is None):
            raise TroubleError(f"deleted or not: {error}")

    return Trial(operation, (MADE,), check)


def clear(estate: Estate) -> bool:
    """Delete what a round made; return whether there was something."""
    if MADE not in estate.instances():
        return False
    estate.do("DELETE", f"instances/{MADE}")
    return True


def _made_or_not(estate: Estate, error: str | None) -> None:
    if (MADE in estate.instances()) is (error is not None):
        raise TroubleError(f"made or not: {error}")
    if error is not None:
        return
    status, answer = estate.ask("GET", f"instances/{MADE}")
    if (status, answer["state"]) != (HTTPStatus.OK, "RUNNABLE"):
        raise TroubleError(f"what was made is {answer['state']}")
    with estate.connect(MADE) as connection:
        connection.execute("CREATE TABLE usable (n bigint)")


def _replicas(estate: Estate) -> list[str]:
    every = estate.instances()
    return [name for name in PAIR if every[name]["instanceType"] == "READ_REPLICA_INSTANCE"]


KINDS: dict[str, Begin] = {
    "create": create,
    "backup": backup,
    "clone": clone,
    "failover": failover,
    "switchover": switchover,
    "restore": restore,
    "delete": delete,
}
# Carried on after the server alone was killed: they have to succeed then.
CARRIED_ON = frozenset({"failover", "switchover", "restore", "delete"})
