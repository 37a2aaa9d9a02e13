"""Clones to a wrong moment, and a list of backup runs that tells of trouble."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ops.cloudsql import BackupRun
from ops.restore.faults.fault import Fault
from ops.restore.proof.marker import Marker

_EARLY = timedelta(milliseconds=1)
_LATE = timedelta(milliseconds=500)  # the heartbeat after the marker is written within this
_STALE = timedelta(days=3)


def _early(marker: Marker) -> datetime:
    return marker.written_at - _EARLY


def _late(marker: Marker) -> datetime:
    moment = marker.point_in_time + _LATE
    # A clone to a time needs a commit after it: the next one is ours, and later than this.
    time.sleep(max(0.0, (moment + _LATE - datetime.now(UTC)).total_seconds()))
    return moment


def _stale(runs: Sequence[BackupRun]) -> Sequence[BackupRun]:
    return [
        replace(
            run,
            started=None if run.started is None else run.started - _STALE,
            ended=None if run.ended is None else run.ended - _STALE,
        )
        for run in runs
    ]


def _failed(runs: Sequence[BackupRun]) -> Sequence[BackupRun]:
    now = datetime.now(UTC)
    failed = BackupRun(
        id="0",
        instance=runs[0].instance if runs else "",
        status="FAILED",
        type="AUTOMATED",
        description="",
        started=now,
        ended=now,
        error="put in on purpose",
    )
    return [failed, *runs]


FAULTS = (
    Fault("early-moment", "a clone to before the marker", "heartbeat", moment=_early),
    Fault("late-moment", "a clone to after the marker", "heartbeat", moment=_late),
    Fault("stale-backup", "no backup for three days", "backups", runs=_stale),
    Fault("failed-backup", "a newest backup that failed", "backups", runs=_failed),
)
