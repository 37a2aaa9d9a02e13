"""Which module may import which, as a list of what is allowed; what it lacks is refused.

A package of tasks is one with a ``tasks.py``: a new one edits nothing here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grimp import ImportGraph

ROOT = Path(__file__).resolve().parents[2]
OF_TASKS = frozenset(f"ops.{path.parent.name}" for path in (ROOT / "ops").glob("*/tasks.py")) | {
    "ops.sample"
}  # whose task is the demo's and the local Cloud SQL's
STORY = "ops.demo"  # tells the story of all packages, so it stands above them
LOCAL = "infra.local"
# What the local Cloud SQL, a process of its own, may know of the rest.
LOCAL_NEEDS = (
    "infra.flags",
    "infra.flags.catalogue",
    "ops.cloudsqlroles",
    "ops.console",
    "ops.dumptext",
    "ops.durations",
    "ops.errors",
    "ops.localserver",
    "ops.programs",
)
# Interfaces that others of their kind stand on: what they may import of ops, besides themselves.
GROUND = {
    "ops.checks": ("ops.console", "ops.db", "ops.errors", "ops.sql"),
    "ops.schema": ("ops.checks", "ops.db", "ops.errors", "ops.sql"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What some modules may import.

    Attributes:
        holds_for: whether it is the rule of a module; the first that is decides.
        allows: whether such a module may import another.
    """

    holds_for: Callable[[str], bool]
    allows: Callable[[str, str], bool]


def _within(package: str, module: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _is_interface(module: str) -> bool:
    """Tell whether a module of ops stands below the packages of tasks."""
    package = _package(module)
    return _within("ops", module) and package not in OF_TASKS and package != STORY


def _is_settings(module: str) -> bool:
    return _within("infra.settings", module)


RULES = (
    Rule(
        lambda module: _within(LOCAL, module),
        lambda _, imported: _within(LOCAL, imported) or imported in LOCAL_NEEDS,
    ),
    Rule(
        lambda module: _within("infra", module),
        lambda _, imported: (
            (_within("infra", imported) and not _within(LOCAL, imported)) or _is_interface(imported)
        ),
    ),
    Rule(
        lambda module: _within(STORY, module),
        lambda _, imported: not _within(LOCAL, imported),
    ),
    Rule(
        lambda module: _package(module) in OF_TASKS,
        lambda module, imported: (
            _package(module) == _package(imported)
            or _is_interface(imported)
            or _is_settings(imported)
        ),
    ),
    Rule(
        lambda module: _package(module) in GROUND,
        lambda module, imported: any(
            _within(package, imported) for package in (_package(module), *GROUND[_package(module)])
        ),
    ),
    Rule(
        _is_interface,
        lambda _, imported: _is_interface(imported) or _is_settings(imported),
    ),
)


def forbidden(imports: ImportGraph) -> list[str]:
    """Return the direct imports that no rule allows, a sentence each, sorted."""
    return sorted(_forbidden(imports))


def _forbidden(imports: ImportGraph) -> Iterator[str]:
    for module in imports.modules:
        rule = next((rule for rule in RULES if rule.holds_for(module)), None)
        for imported in imports.find_modules_directly_imported_by(module):
            if imported != "ops" and (rule is None or not rule.allows(module, imported)):
                yield f"{module} imports {imported}"
