"""What adopting says to do next: typed, or written into the stack file, and asked again."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from invoke.parser import Parser

from infra.adopt.adopt import FilesThereError, adopt
from infra.adopt.people import Asked
from infra.adopt.report import Adoption
from infra.adopt.source import NoSourceError, Source, source
from infra.desired import collect
from infra.drift.differences import differences
from infra.settings import load
from infra.stackfile import ROOT
from ops.cloudsql import Account
from ops.console import Silent
from tasks import namespace
from tests.remedies import edited
from tests.unit.infra.test_drift import OLD, OneInstance

ZONE = "asia-east1-b"
LIVE = replace(
    OLD,
    accounts=(Account("ai_square_app"),),
    body={
        **OLD.body,
        "settings": {
            **OLD.body["settings"],
            "tier": "db-custom-1-3840",
            "userLabels": {},
            "databaseFlags": [],
            "locationPreference": {"zone": ZONE},
        },
    },
)


def adopted(out: Path, *, force: bool = False, **asked: Any) -> Adoption:  # noqa: ANN401 - of Asked
    where = Source("old", "p", "db", None, OneInstance(LIVE), {})
    return adopt(where, Asked(**asked), Silent(), out=out, force=force)


def parsed(command: str) -> dict[str, object]:
    """Return the arguments of a command of ours, as its task takes them."""
    words = shlex.split(command)
    assert words[0] == "invoke"
    (context,) = Parser(contexts=namespace.to_contexts()).parse_argv(words[1:])
    return {name: argument.value for name, argument in context.args.items()}


def test_commands_find_the_files_that_were_written(tmp_path: Path) -> None:
    done = adopted(tmp_path / "with space")
    assert f"Then: {'; '.join(done.commands)}." in done.blocks()
    copy, _, imports, _, drift = done.commands
    assert Path(shlex.split(copy)[1]).is_file()
    assert shlex.split(copy)[2] == "Pulumi.old.yaml"
    words = shlex.split(imports)
    assert words[:2] == ["pulumi", "import"]  # which needs the CLI and a cloud
    assert json.loads(Path(words[words.index("--file") + 1]).read_text())["resources"]
    assert parsed(drift)["stack"] == "old"
    here = replace(done, files=tuple(str(ROOT / Path(name).name) for name in done.files))
    assert not here.commands[0].startswith("cp ")


def test_zone_is_held_by_the_edit_that_the_note_names(tmp_path: Path) -> None:
    done = adopted(tmp_path)
    (note,) = (note for note in done.notes if note.startswith("Zone "))
    before = {one.property for one in differences(collect(load("old", tmp_path)), {"db": LIVE})}
    settings = edited(tmp_path / "Pulumi.old.yaml", note)
    assert settings.instance.zone == ZONE
    after = {one.property for one in differences(collect(settings), {"db": LIVE})}
    assert after == before


def test_password_is_kept_by_another_user_for_its_role(tmp_path: Path) -> None:
    done = adopted(tmp_path)
    assert done.passwords == ("ai_square_app",)
    (said,) = (str(block) for block in done.blocks() if "locked out" in str(block))
    (key,) = re.findall(r"ai-square-db:\w+", said)
    settings = edited(tmp_path / "Pulumi.old.yaml", f"write {key}: web2")
    assert settings.users.app == "web2"
    again = adopted(tmp_path, force=True, users={"app": "web2"})
    assert again.passwords == ()


def test_options_that_messages_name_are_the_tasks(tmp_path: Path) -> None:
    done = adopted(tmp_path)
    (note,) = (note for note in done.notes if "--network" in note)
    assert parsed("invoke adopt --network mine")["network"] == "mine"
    named = adopted(tmp_path, force=True, network="mine")
    assert any("gives it one, mine" in text for text in named.notes)
    assert "gives it one, db" in note
    with pytest.raises(FilesThereError) as there:
        adopted(tmp_path)
    for option in re.findall(r"--\w+", str(there.value)):
        assert option.removeprefix("--") in parsed("invoke adopt")
    with pytest.raises(NoSourceError) as unknown:
        source("nowhere")
    command = str(unknown.value).partition("Run: ")[2]
    assert parsed(command) | {"stack": "nowhere"} == parsed(command)
