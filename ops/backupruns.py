"""Holds an instance's backup runs against those that there should be: pure, asks nobody.

An automated backup is taken once a day, in a window of four hours
(https://cloud.google.com/sql/docs/postgres/backup-recovery/backups), and the newest
``backupRetained`` of them are kept: so many windows must have a successful run each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from ops import durations
from ops.checks.result import CheckResult, Finding, Level, State, doubt, finding
from ops.cloudsql import BackupRun

if TYPE_CHECKING:  # pydantic is loaded only when a task runs: `invoke --list` stays fast
    from infra.settings import Backup

WINDOW = timedelta(hours=4)
GRACE = timedelta(hours=2)  # for a backup that began late in its window to end
DAY = timedelta(days=1)
BACKUP_AGE_LIMIT = DAY + WINDOW + GRACE
CLOCK_TOLERANCE = timedelta(minutes=5)  # that two machines' clocks may differ unnoticed
_SET_CLOCK = "Correct the clock of this machine (see timedatectl), and run this again."
AUTOMATED, SUCCESSFUL = "AUTOMATED", "SUCCESSFUL"
MISSING, STUCK = "MISSING", "STUCK"  # what the API has no word for
UNDER_WAY = frozenset({"ENQUEUED", "RUNNING"})
_TAKE = "Look at `invoke backup.list`, and take one with `invoke backup.create`."


@dataclass(frozen=True, slots=True)
class Expected:
    """One daily backup window, and what came of it.

    Attributes:
        begins: when the window began, UTC.
        fate: SUCCESSFUL, the status of the run that is not, STUCK for one that goes on for too
            long by its own start, as a retry may begin late, or MISSING.
        run: the run; None where there is none.
    """

    begins: datetime
    fate: str
    run: BackupRun | None

    @property
    def state(self) -> State:
        """Return ok for a successful run, unknown for one under way, else a finding."""
        if self.fate == SUCCESSFUL:
            return State.OK
        return State.UNKNOWN if self.fate in UNDER_WAY else State.FINDING

    def finding(self) -> Finding:
        """Return what is wrong."""
        why = "" if self.run is None else f", run {self.run.id}"
        why += f": {self.run.error}" if self.run is not None and self.run.error else ""
        level = Level.UNKNOWN if self.state is State.UNKNOWN else Level.FINDING
        window = f"{self.begins:%Y-%m-%d %H:%M} UTC"
        return finding("backup window", window, f"{self.fate}{why}", level)


def expected(
    policy: "Backup", created: datetime | None, runs: Sequence[BackupRun], now: datetime
) -> tuple[Expected, ...]:
    """Return the windows of the retention that must have a run, the newest first.

    Args:
        policy: what is declared.
        created: when the instance was made; windows before it count for nothing.
        runs: the instance's backup runs.
        now: by the clock that the instance lives by.
    """
    if not policy.enabled:
        return ()
    automated = [run for run in runs if run.type == AUTOMATED]
    windows: list[Expected] = []
    for begins in _windows(time.fromisoformat(policy.start_time), now):
        if len(windows) == policy.retained or (created is not None and begins <= created):
            break
        inside = [run for run in automated if _in(run, begins)]
        due = now >= begins + WINDOW + GRACE
        if inside or due:
            windows.append(_fate(begins, inside, now))
    return tuple(windows)


def _windows(start: time, now: datetime) -> Iterator[datetime]:
    begins = datetime.combine(now.astimezone(UTC), start, UTC)
    if begins > now:
        begins -= DAY
    while True:
        yield begins
        begins -= DAY


def _in(run: BackupRun, begins: datetime) -> bool:
    moment = run.window or run.started
    return moment is not None and begins <= moment < begins + DAY


def _fate(begins: datetime, runs: Sequence[BackupRun], now: datetime) -> Expected:
    good = next((run for run in runs if run.status == SUCCESSFUL), None)
    under_way = next((run for run in runs if run.status in UNDER_WAY), None)
    run = good or under_way or next(iter(runs), None)
    if run is None:
        return Expected(begins, MISSING, None)
    stuck = run is under_way and _is_stuck(run, begins, now)
    return Expected(begins, STUCK if stuck else run.status, run)


def _is_stuck(run: BackupRun, begins: datetime, now: datetime) -> bool:
    """Return whether a run under way had its time, and its window had, too."""
    began = run.started or run.enqueued or begins
    return now >= max(begins + WINDOW, began) + GRACE


def checks(
    policy: "Backup | None", created: datetime | None, runs: Sequence[BackupRun], now: datetime
) -> tuple[CheckResult, ...]:
    """Return whether every expected run is there, and whether the newest is young enough.

    Without a declared policy nobody knows which runs to expect: the newest counts alone.
    See ``expected`` for the arguments.
    """
    if policy is None:
        return (freshness(runs, now),)
    ahead = _clock_behind("expected_runs", runs, now)
    return (ahead or _expected_runs(expected(policy, created, runs, now)), freshness(runs, now))


def _expected_runs(windows: Sequence[Expected]) -> CheckResult:
    total = len(windows)
    if not windows:
        words = "no backup window of this instance is over"
        return CheckResult("expected_runs", State.NOT_APPLICABLE, 0, 0, words)
    bad = tuple(window.finding() for window in windows if window.state is State.FINDING)
    undecided = tuple(window.finding() for window in windows if window.state is State.UNKNOWN)
    known = total - len(undecided)
    if bad:
        words = f"{len(bad)} of {total} expected automated backups are not there"
        both = (*bad, *undecided)
        return CheckResult("expected_runs", State.FINDING, known, total, words, both, remedy=_TAKE)
    if known < total and known == 0:
        words = "the first expected backup is under way"
        remedy = "Look again when it is done."
        return CheckResult(
            "expected_runs", State.UNKNOWN, 0, total, words, undecided, remedy=remedy
        )
    under_way = ", one is under way" if undecided else ""
    words = f"all {known} automated backups that had to be there are{under_way}"
    return CheckResult("expected_runs", State.OK, known, known, words)


def _clock_behind(check: str, runs: Sequence[BackupRun], now: datetime) -> CheckResult | None:
    """Return why nothing is known where runs are of the future: ages and windows are wrong then."""
    started = [(run.started, run.id) for run in runs if run.started is not None]
    newest, run_id = max(started, default=(now, ""))
    if newest <= now + CLOCK_TOLERANCE:
        return None
    words = f"run {run_id} began {durations.words(newest - now)} after the time that it is here"
    return CheckResult(check, State.UNKNOWN, 0, len(runs), words, remedy=_SET_CLOCK)


def freshness(runs: Sequence[BackupRun], now: datetime) -> CheckResult:
    """Tell whether there is a successful backup that is young enough, and none failed after it.

    Where a failed one is being tried again (runs are the newest first), that is not known yet.
    Nor is anything where a run began in what is the future here.
    """
    ahead = _clock_behind("backups", runs, now)
    if ahead is not None:
        return ahead
    good = next((run for run in runs if run.status == SUCCESSFUL), None)
    failed: list[Finding] = []
    retried = False
    for run in runs:
        if run is good:
            break
        retried = retried or (not failed and run.status in UNDER_WAY)
        if run.status in {"FAILED", "SKIPPED", "OVERDUE"}:
            message = run.error or "no reason given"
            failed.append(finding("backup run", f"run {run.id} is {run.status}", message))
    moment = None if good is None else good.ended or good.started
    if good is None or moment is None:
        detail = "there is no successful backup"
    elif now - moment > BACKUP_AGE_LIMIT:
        detail = f"the newest successful backup, {good.id}, is {durations.words(now - moment)} old"
    elif failed and retried:
        detail = f"a backup failed after the newest successful one, {good.id}, and is tried again"
        remedy = "Look again when the run that is under way has ended."
        result = CheckResult("backups", State.UNKNOWN, 0, len(runs), detail, tuple(failed))
        return doubt(result, detail, remedy)
    elif failed:
        detail = f"backups failed after the newest successful one, {good.id}"
    else:
        detail = f"the newest successful backup, {good.id}, is {durations.words(now - moment)} old"
        return CheckResult("backups", State.OK, len(runs), len(runs), detail)
    total = len(runs)
    return CheckResult("backups", State.FINDING, total, total, detail, tuple(failed), remedy=_TAKE)
