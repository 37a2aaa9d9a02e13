"""The scheduled jobs: which task each runs, and what it needs for that.

A job whose task is not there yet is declared with its schedule paused: its image, account
and rights can then be tried, and nothing fails every night. A test compares ``ready`` with
the tasks that there are.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.names import fitting
from infra.settings import Runner, Settings
from ops import logline

NAME_LIMIT = 49  # https://cloud.google.com/run/docs/create-jobs: fewer than 50 characters
HOUR_S = 3600
# What the image's entrypoint makes libpq's password file of; the user's name follows.
PASSWORD_OF: Final = "PASSWORD_OF_"  # noqa: S105 - a variable's name
# What every job is told; secrets come by reference (infra/runner.py).
ENVIRONMENT: Final = {logline.VARIABLE: logline.WANTED}


class Job(StrEnum):
    """A scheduled job."""

    DRILL = "drill"
    REPORT = "report"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job runs, and with what.

    Attributes:
        job: Which one.
        task: As ``invoke --list`` names it.
        ready: Whether that task is there.
        timeout_s: After which the job is ended.
        memory: Of its container, as Cloud Run takes it.
        roles: Whose passwords it needs.
        notifies: Whether it tells the stack's webhook how it ended.
    """

    job: Job
    task: str
    ready: bool
    timeout_s: int
    memory: str
    roles: tuple[str, ...]
    notifies: bool = False

    def name(self, settings: Settings) -> str:
        """Return the Cloud Run job's name."""
        return fitting(settings.instance.name, self.job, NAME_LIMIT)

    def schedule(self, runner: Runner) -> str | None:
        """Return when it runs, in cron's words; None for never."""
        return {
            Job.DRILL: runner.drill,
            Job.REPORT: runner.report,
            Job.VERIFY: runner.verify,
        }[self.job]


JOBS: Final = (
    # The owner asks every question, the application's user proves that it could go on.
    JobSpec(Job.DRILL, "restore-drill", True, 6 * HOUR_S, "2Gi", ("owner", "app"), notifies=True),  # noqa: FBT003 - a table
    # Paused: `invoke health.report` is to come.
    JobSpec(Job.REPORT, "health.report", False, HOUR_S, "1Gi", ("monitor",)),  # noqa: FBT003 - as above
    # It asks the Admin API, and the database only where recovery ends long ago.
    JobSpec(Job.VERIFY, "backup.verify", True, HOUR_S, "1Gi", ("monitor",)),  # noqa: FBT003 - as above
)
