"""Which instance is adopted, and through which Admin API."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.settings.declared import Declared
from infra.settings.keys import key
from infra.settings.stack import API_PATH, ENDPOINT, on_this_machine
from infra.stackfile import ROOT, UnknownStackError, read_config, stacks
from ops import localcloud
from ops.cloudsql import CloudSql
from ops.errors import BadInputError
from ops.target import stack_name

# What the provider needs to speak to the local Cloud SQL: see Pulumi.local.yaml.
LOCALLY: Mapping[str, object] = {
    "gcp:accessToken": "any",
    "gcp:skipRegionValidation": True,
    "gcp:pollInterval": "1s",
}


class NoSourceError(BadInputError):
    """A stack that is not there yet, and nothing said of where its instance is."""

    def __init__(self, stack: str, missing: str) -> None:
        listed = ", ".join(stacks())
        super().__init__(
            f"There is no stack {stack!r} yet (there are {listed}), so {missing} has to be given."
            f" Run: invoke adopt -s {stack} --project PROJECT --instance NAME"
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A live instance that is to become a stack.

    Attributes:
        stack: The stack's name.
        project: The Google Cloud project.
        instance: The instance's name.
        endpoint: Of another Admin API than Google's, without a path; None for Google's.
        cloud: That Admin API.
        usual: What the stack's file says now, the project's defaults included.
    """

    stack: str
    project: str
    instance: str
    endpoint: str | None
    cloud: CloudSql
    usual: Mapping[str, object]

    @property
    def local(self) -> bool:
        """Whether it is on the local Cloud SQL."""
        return on_this_machine(self.endpoint or "")

    def elsewhere(self) -> Mapping[str, object]:
        """Return the provider's keys for another Admin API, where the stack has none yet."""
        if self.endpoint is None or self.usual.get(ENDPOINT):
            return {}
        return {ENDPOINT: f"{self.endpoint}{API_PATH}", **(LOCALLY if self.local else {})}


def source(
    stack: str, instance: str = "", project: str = "", endpoint: str = "", root: Path = ROOT
) -> Source:
    """Return where a stack's instance is.

    What is given goes before what the stack's file says; a stack without a file needs
    project and instance, or a local endpoint.

    Raises:
        NoSourceError: The stack is unknown, and something is missing.
        infra.stackfile.StackFileError: Its file can't be read.
    """
    name = stack_name(stack)
    try:
        usual = dict(read_config(name, root))
        known = True
    except UnknownStackError:
        usual, known = {}, False
    if not known and not (project and instance):
        raise NoSourceError(name, "--project" if not project else "--instance")
    defaults = {str(f.alias): f.default for f in Declared.model_fields.values()}
    name_of_instance = instance or str(usual.get(key("instance"), defaults[key("instance")]))
    where = (endpoint or str(usual.get(ENDPOINT, ""))).removesuffix(API_PATH).rstrip("/") or None
    its_project = project or str(usual.get("gcp:project", ""))
    address = where
    if known and not endpoint and on_this_machine(where or ""):
        address = localcloud.require(localcloud.data_dir()).url  # wherever it listens just now
    return Source(name, its_project, name_of_instance, where, CloudSql(its_project, address), usual)
