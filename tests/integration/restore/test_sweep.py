"""A sweep where the source is gone: journals and names tell what is left."""

from dataclasses import replace

import pytest

from ops import target
from ops.checks.result import State
from ops.cloudsql import CloudSql, NoSuchInstanceError, Operation
from ops.console import Console, Format
from ops.invocation import Invocation
from ops.journal import Journal, unfinished
from ops.restore.cleanup import remove
from ops.restore.drill.perform import drill
from ops.restore.drill.sweep import sweep
from ops.restore.source import ROOM, Source
from ops.shortlived import copy_body, name_stem
from tests.integration.restore.conftest import Site

GONE = "gone"


def test_leftovers_of_a_source_that_is_gone_are_swept(
    site: Site, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_CLOUDSQL_DIR", str(site.data))
    stack = target.load("local")
    named = replace(stack.settings.instance, name=GONE)
    stack = replace(stack, settings=replace(stack.settings, instance=named))
    run = Invocation(stack, Console(Format.TABLE))
    cloud = source.cloud
    stem = name_stem(GONE, cloud.project)
    told, stranger = f"{stem}260101000000-0a1b-b1", f"{stem}200101000000-0a1b-c"
    body = cloud.instance(source.instance)
    journal = Journal(stack.store, ROOM, "260101000000-0a1b")
    journal.intend("create", told)
    for operation in [cloud.insert(copy_body(body, name, {})) for name in (GONE, told, stranger)]:
        cloud.wait(operation)
    cloud.wait(cloud.delete(GONE))
    with pytest.raises(NoSuchInstanceError):
        drill(run)

    report = sweep(run)

    assert report.state is State.OK
    assert set(report.removed) == {told, stranger}
    assert unfinished(stack.store, ROOM) == ()
    run.show(report)  # ends with another code than 0 only by raising Exit


class _Overtaken(CloudSql):
    """Another one deletes each instance just before we do."""

    def delete(self, name: str) -> Operation:
        self.wait(super().delete(name))
        return super().delete(name)


def test_what_goes_by_itself_meanwhile_is_no_leftover(source: Source) -> None:
    cloud = source.cloud
    body = cloud.instance(source.instance)
    name = f"{name_stem(GONE, cloud.project)}260101000001-0a1b-b1"
    cloud.wait(cloud.insert(copy_body(body, name, {})))
    journal = Journal(source.store, ROOM, "260101000001-0a1b")
    overtaken = _Overtaken(cloud.project, cloud._endpoint)

    assert remove(overtaken, journal, (name,)) == ()

    journal.close()
