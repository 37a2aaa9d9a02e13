"""Adopts a live instance: reads it, fits a stack file to it, and writes what it takes.

Nothing in the cloud is changed, and no file is overwritten unasked. The stack file is
read back as a deployment would read it before it gets its name.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.adopt.imports import imports
from infra.adopt.people import Asked
from infra.adopt.report import Adoption, markdown
from infra.adopt.source import Source
from infra.adopt.stackfile import read, render
from infra.adopt.take import Taken, take
from infra.body import declarable
from infra.desired import USER, collect
from infra.drift.check import look
from infra.drift.differences import Difference, Finding, Unread, differences
from infra.drift.undeclared import Memberships
from infra.live import LiveInstance
from infra.settings import Settings, SettingsError, load
from infra.stackfile import ROOT
from ops.cloudsql import BUILT_IN, NoSuchInstanceError
from ops.console import Progress
from ops.errors import ExitCode, OpsError

PROJECT_FILE = "Pulumi.yaml"
# Without these nothing can be adopted: another version or region is another instance.
NEEDED = frozenset({"gcp:project", "gcp:region", "ai-square-db:databaseVersion"})
ROUNDS = 200  # of leaving out what can't be declared, one key or entry a round


class FilesThereError(OpsError):
    """Something would be overwritten."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        verb = "is" if len(paths) == 1 else "are"
        super().__init__(
            f"{', '.join(paths)} {verb} there already. Write elsewhere with --out FOLDER, or"
            " overwrite with --force; a stack file keeps its comments and its other keys."
        )


class UnreadableError(OpsError):
    """A part of the instance could not be read."""

    exit_code = ExitCode.UNKNOWN

    def __init__(self, unread: Unread) -> None:
        super().__init__(
            f"What {unread.instance} is can't be told without its {unread.kind}s: {unread.why}"
        )


class CannotAdoptError(OpsError):
    """The program declares no such instance."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            f"The instance {name} can't be adopted: {problem}"
            " Change that on the instance first, or in what the program takes."
        )


def adopt(
    source: Source,
    typed: Asked,
    progress: Progress,
    *,
    out: Path | None = None,
    force: bool = False,
    root: Path = ROOT,
) -> Adoption:
    """Write a stack's file, its list of imports and a report from a live instance.

    Args:
        source: The instance.
        typed: Which database, users and network are meant.
        progress: Where reading shows itself.
        out: The folder to write to; the project's own when None.
        force: Whether files that are there may be overwritten.
        root: Folder of the project's files.

    Raises:
        FilesThereError: Something would be overwritten.
        NoSuchInstanceError: There is no such instance.
        UnreadableError: The API refused a part of it.
        CannotAdoptError: Its version or region is none that the program declares.
        SettingsError: The stack file's own values can't be used.
    """
    folder = out or root
    names = (f"Pulumi.{source.stack}.yaml", f"import.{source.stack}.json")
    report_name = f"adoption.{source.stack}.md"
    existing = tuple(n for n in (*names, report_name) if (folder / n).exists())
    if existing and not force:
        raise FilesThereError(existing)
    with progress.phase(f"Read {source.instance}"):
        primary, replicas = _live(source)
    taking = take(source.project, primary, replicas, source.usual, typed, local=source.local)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".adopt-", dir=folder) as draft_name:
        draft = Path(draft_name)
        (draft / PROJECT_FILE).write_bytes((root / PROJECT_FILE).read_bytes())
        before = read(folder / names[0]) or read(root / names[0])
        settings, cannot = _fitted(source, taking, before, draft)
        files = tuple(str(folder / name) for name in (*names, report_name))
        done = _compared(source, settings, (primary, *replicas), taking, cannot, files)
        (draft / names[1]).write_text(json.dumps(done.imports.file(), indent=2) + "\n")
        (draft / report_name).write_text(markdown(done), encoding="utf-8")
        if not (folder / PROJECT_FILE).exists():  # so that the folder can be loaded by itself
            (draft / PROJECT_FILE).replace(folder / PROJECT_FILE)
        for name in (*names, report_name):
            (draft / name).replace(folder / name)
    return done


def _live(source: Source) -> tuple[LiveInstance, tuple[LiveInstance, ...]]:
    """Return the instance and all that follows it, nearest first."""
    instances: list[LiveInstance] = []
    names = [source.instance]
    while names:
        name = names.pop(0)
        live, unread = look(source.cloud, name)
        if unread:
            raise UnreadableError(unread[0])
        if live is None:
            raise NoSuchInstanceError(source.project, name)
        instances.append(live)
        names += sorted(str(n).rpartition(":")[2] for n in live.body.get("replicaNames", ()))
    return instances[0], tuple(instances[1:])


def _fitted(
    source: Source, taking: Taken, before: str, draft: Path
) -> tuple[Settings, tuple[str, ...]]:
    """Write the stack file into the draft; what can't be declared is left out of it, and told."""
    values: dict[str, object] = {**source.elsewhere(), **taking.values}
    path = draft / f"Pulumi.{source.stack}.yaml"
    day = datetime.now(UTC).date()
    origin = f"taken from the live {source.project}:{source.instance} on {day} by invoke adopt"
    cannot: list[str] = []
    for _ in range(ROUNDS):
        path.write_text(
            render(before, values, taking.why, origin, new=not before), encoding="utf-8"
        )
        try:
            return load(source.stack, draft), tuple(cannot)
        except SettingsError as error:
            problem = error.problems[0]
            if not _leave_out(problem, values):
                raise
            if NEEDED - values.keys():
                raise CannotAdoptError(source.instance, problem) from error
            cannot.append(problem)
    raise AssertionError  # every round leaves something out


def _leave_out(problem: str, values: dict[str, object]) -> bool:
    """Leave out the key or the entry of a map that a problem is about; tell whether there was."""
    match = re.match(r"[\w-]+:\w+", problem)
    if match is None or match[0] not in values:
        return False
    value = values[match[0]]
    named = [name for name in value if name in problem] if isinstance(value, Mapping) else []
    if isinstance(value, Mapping) and named:
        entry = min(named, key=lambda name: (problem.index(name), -len(name)))
        values[match[0]] = {name: item for name, item in value.items() if name != entry}
    else:
        del values[match[0]]
    return True


def _compared(
    source: Source,
    settings: Settings,
    instances: tuple[LiveInstance, ...],
    taking: Taken,
    cannot: tuple[str, ...],
    files: tuple[str, ...],
) -> Adoption:
    """Return what the program would do to what is there."""
    desired = collect(settings)
    live = {instance.name: instance for instance in instances}
    users = {account.name for account in instances[0].accounts if account.type == BUILT_IN}
    declared = {
        str(r.inputs["name"])
        for r in desired.of_type(USER)
        if str(r.inputs.get("type") or BUILT_IN) == BUILT_IN
    }
    return Adoption(
        stack=source.stack,
        instances=tuple(
            name
            for name in live
            if name in {settings.instance.name, *(r.name for r in settings.replicas)}
        ),
        files=files,
        differences=tuple(
            difference
            for difference in differences(desired, live, memberships=Memberships.of(settings))
            if not _can_not_be_declared(difference, live)
        ),
        imports=imports(desired, live),
        passwords=tuple(sorted(users & declared)),
        cannot=(*taking.cannot, *cannot),
        notes=(*taking.notes, *(f"{k}: {text}." for k, text in taking.why.items())),
    )


def _can_not_be_declared(difference: Difference, live: Mapping[str, LiveInstance]) -> bool:
    """Tell whether a setting is among those that no stack file declares, reported apart."""
    if difference.finding is not Finding.UNDECLARED or not difference.property:
        return False
    beyond = declarable(live[difference.instance].body).beyond
    return any(f"{difference.property}.".startswith(f"{path}.") for path in beyond)
