"""What adopting took, wrote and could not take."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.adopt.imports import Imports
from infra.drift.differences import Difference, Finding
from infra.drift.report import subject, table
from infra.settings.keys import key
from infra.stackfile import ROOT
from ops.console import Table
from ops.pages.markdown import page


@dataclass(frozen=True, slots=True)
class Adoption:
    """A live instance as a stack.

    Attributes:
        stack: The stack.
        instances: The instance and those of its replicas that are declared.
        files: Where everything was written: the stack file, the imports, the report.
        differences: What deploying would change, and what it leaves undeclared.
        imports: What is imported, and what is made.
        passwords: Users whose password would be set anew.
        cannot: One sentence for everything that can't be declared.
        notes: What else to know.
    """

    stack: str
    instances: tuple[str, ...]
    files: tuple[str, ...]
    differences: tuple[Difference, ...]
    imports: Imports
    passwords: tuple[str, ...]
    cannot: tuple[str, ...]
    notes: tuple[str, ...]

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        yield from (f"Wrote {path}" for path in self.files)
        changes = [d for d in self.differences if d.finding is not Finding.UNDECLARED]
        if changes:
            yield table("Deploying this stack would change", changes)
        else:
            yield f"Deploying this stack changes nothing of {', '.join(self.instances)}."
        for difference in self.differences:
            if difference.finding is Finding.UNDECLARED:
                live = "" if difference.property else f" ({difference.live})"
                yield f"Not declared, and left alone: {subject(difference)}{live}."
        yield from (f"Can't be declared: {sentence}" for sentence in self.cannot)
        if self.passwords:
            yield (
                f"Passwords can't be read: the first deployment gives {', '.join(self.passwords)}"
                " generated ones, and whoever knows the old ones is locked out. To keep one, name"
                f" another user for its role (as {key('app_user')}): the program makes that one,"
                " and today's stays undeclared, with its password, until nobody needs it."
            )
        yield from self.notes
        if self.imports.created:
            yield f"`pulumi up` makes: {', '.join(self.imports.created)}."
        yield f"Then: {'; '.join(self.commands)}."

    @property
    def commands(self) -> tuple[str, ...]:
        """What to type next, in the project's folder."""
        stack_file, imports = map(Path, self.files[:2])
        file = shlex.quote(str(imports))
        elsewhere = stack_file.parent.resolve() != ROOT
        return (
            *((shlex.join(("cp", str(stack_file), stack_file.name)),) if elsewhere else ()),
            f"pulumi stack init {self.stack}",
            f"pulumi import --file {file} --generate-code=false -s {self.stack}",
            f"pulumi preview --diff -s {self.stack}",
            f"invoke drift -s {self.stack}",
        )


def markdown(adoption: Adoption) -> str:
    """Return the report as a file to keep."""
    title = f"Adopting {', '.join(adoption.instances)} as stack {adoption.stack}"
    return page(title, adoption.blocks())
