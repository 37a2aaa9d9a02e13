"""The scheduled jobs: their image, and when they run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from infra.settings.keys import Keys, Rule, key, keys
from infra.settings.stack import ENDPOINT, is_local

if TYPE_CHECKING:
    from infra.settings.declared import Declared

# unix-cron, as Cloud Scheduler takes it: https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules
CRON = re.compile(r"[0-9*/,-]+ [0-9*/,-]+ [0-9*/,-]+ [0-9A-Za-z*/,-]+ [0-9A-Za-z*/,-]+")


class RunnerKeys(Keys):
    """Keys of the scheduled jobs."""

    runner_image: str = Field(
        "", description="Container image of the scheduled jobs; empty for no jobs."
    )
    runner_time_zone: str = Field("Etc/UTC", description="Time zone of the schedules.")
    drill_schedule: str = Field(
        "0 20 * * 6", description="When restore-drill runs, in cron's words; empty for never."
    )
    report_schedule: str = Field(
        "0 1 * * 1", description="When the health report is made; empty for never."
    )
    verify_schedule: str = Field(
        "0 23 * * *", description="When the backups are verified; empty for never."
    )


@dataclass(frozen=True, slots=True)
class Runner:
    """The scheduled jobs.

    Attributes:
        image: The container image.
        time_zone: Of the schedules.
        drill: When ``restore-drill`` runs, in cron's words; None for never.
        report: When the health report is made.
        verify: When the backups are verified.
    """

    image: str
    time_zone: str
    drill: str | None
    report: str | None
    verify: str | None


def runner(d: "Declared") -> Runner | None:
    """Return the jobs' settings; None for no jobs."""
    if not d.runner_image:
        return None
    return Runner(
        image=d.runner_image,
        time_zone=d.runner_time_zone,
        drill=d.drill_schedule or None,
        report=d.report_schedule or None,
        verify=d.verify_schedule or None,
    )


def _schedules(d: "Declared") -> Iterator[str]:
    for name in ("drill_schedule", "report_schedule", "verify_schedule"):
        schedule = getattr(d, name)
        if schedule and not CRON.fullmatch(schedule):
            yield (
                f"{key(name)}: {schedule!r} is no schedule. Write five fields of cron, as"
                " 0 20 * * 6."
            )


def _needs(d: "Declared") -> Iterator[str]:
    if d.runner_image and is_local(d):
        yield f"{key('runner_image')}: the local Cloud SQL runs no jobs. Leave it out."
    elif d.runner_image and not d.evidence_bucket:
        yield (
            f"{key('runner_image')}: jobs lose their disk as they end. Set"
            f" {key('evidence_bucket')}, where leases and evidence stay."
        )
    elif d.runner_image and d.evidence_locked_days:
        yield (
            f"{key('evidence_locked_days')}: jobs keep their leases and journals in that bucket,"
            " and a locked one lets nobody replace or delete them. Leave it 0."
        )


RULES: tuple[Rule, ...] = (
    (keys("drill_schedule", "report_schedule", "verify_schedule"), _schedules),
    (
        (ENDPOINT, *keys("runner_image", "evidence_bucket", "evidence_locked_days")),
        _needs,
    ),
)
