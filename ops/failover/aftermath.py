"""What is there after a failover: the writes, the replicas, the standby."""

import time
from collections.abc import Sequence
from contextlib import suppress

from ops import sql
from ops.cloudsql import ApiError, UnreachableError, once
from ops.db import VERIFY, CannotConnectError, statement
from ops.errors import OpsError
from ops.failover import measure
from ops.failover.leg import Followed, Leg
from ops.failover.standing import Replica, server, standing
from ops.failover.writers import NAME, SILENCE_S

CONNECT_S = 30.0  # how long to try to look at the instance
CATCH_UP_S = 60.0  # how long a replica may take to have everything
_PAUSE_S, _PAUSE_MOST_S = 0.2, 5.0


def read_back(leg: Leg) -> None:
    """Hold the instance's rows against what was acknowledged, and see who answers."""
    source, deadline = leg.source, time.monotonic() + CONNECT_S
    while True:
        try:
            with source.database.connect(
                source.owner, budget=VERIFY, name=NAME, silence_s=SILENCE_S
            ) as connection:
                rows = connection.execute(
                    statement(sql.load("failover/written")), {"drill": leg.drill}
                ).fetchall()
            leg.read_back = measure.read_back(leg.logs, [(row[0], row[1]) for row in rows])
            leg.last = server(source, source.database)
        except CannotConnectError as error:
            leg.blind = str(error)
            if time.monotonic() > deadline:
                return
            time.sleep(1.0)
        except OpsError as error:
            leg.blind = str(error)
            return
        else:
            leg.blind = ""
            return


def follow(leg: Leg, replicas: Sequence[Replica]) -> None:
    """Wait until every replica has what the instance has; note how each came through."""
    began, stopped = leg.asked, leg.stopped
    if began is None or stopped is None:
        return
    for replica, log in zip(replicas, leg.reads, strict=True):
        caught_up_s, why = _caught_up(leg, replica)
        timeline = None
        if caught_up_s is not None:
            with suppress(OpsError):  # it is shown, and proves nothing that the rows do not
                timeline = server(leg.source, replica.database).timeline
        leg.replicas.append(
            Followed(
                name=replica.name,
                reads=len(log.acknowledged),
                gap_s=measure.longest(log.acknowledged, began, stopped).seconds,
                errors=dict(log.errors),
                caught_up_s=caught_up_s,
                timeline=timeline,
                why=why,
            )
        )


def _caught_up(leg: Leg, replica: Replica) -> tuple[float | None, str]:
    """Return the seconds until a replica had every write, or why it could not be asked."""
    if leg.rows is None:
        return None, "nobody knows what it should have"
    began, why = time.monotonic(), ""
    while time.monotonic() < began + CATCH_UP_S:
        try:
            with replica.database.connect(
                leg.source.owner, budget=VERIFY, name=NAME, silence_s=SILENCE_S
            ) as connection:
                row = connection.execute(
                    statement(sql.load("failover/count")), {"drill": leg.drill}
                ).fetchone()
        except OpsError as error:
            why = str(error)
        else:
            why = ""
            if row is not None and row[0] >= leg.rows:
                return time.monotonic() - began, ""
        time.sleep(_PAUSE_S)
    return None, why


def redundancy(leg: Leg, limit_s: float) -> None:
    """Wait until the standby is counted on again and nothing works on the instance."""
    if leg.redundant_s is not None:
        return
    cloud, name = leg.source.cloud, leg.source.instance
    deadline, pause = time.monotonic() + limit_s, _PAUSE_S
    while True:
        try:
            leg.after = standing(cloud.instance(name))
            busy = any(operation.status != "DONE" for operation in cloud.operations(name))
        except (UnreachableError, ApiError) as error:
            leg.blind = leg.blind or str(error)
            if not once.may_pass(error):
                return
        else:
            if leg.after.standby is not False and not busy and leg.asked is not None:
                leg.redundant_s = time.monotonic() - leg.asked
                return
        if time.monotonic() > deadline:
            return
        time.sleep(pause)
        pause = min(pause * 1.4, _PAUSE_MOST_S)
