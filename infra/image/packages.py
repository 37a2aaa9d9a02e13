"""Print the part of requirements.txt that tasks need: what checks, tests and deploys stays out.

    python infra/image/packages.py < requirements.txt > needed.txt

The file tells of each package who asked for it ("# via"), so the ones that the tasks' own
need come along, pinned and with their hashes as they are. Needs the standard library alone:
it runs before anything is installed.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# What ops and infra/settings import; a test runs the tasks without anything else.
NEEDED = frozenset(
    {
        "cryptography",
        "google-auth",
        "google-cloud-sql",
        "invoke",
        "jinja2",
        "postgast",
        "psycopg",
        "pydantic",
        "pyyaml",
        "rich",
        "ruamel-yaml",
        "setuptools",  # makes the project importable
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One package of the file.

    Attributes:
        name: As the file writes it.
        text: Its lines: version, marker, hashes.
        via: Who asked for it.
    """

    name: str
    text: str
    via: frozenset[str]


def entries(text: str) -> tuple[Entry, ...]:
    """Return the packages of a requirements file."""
    return tuple(
        Entry(
            name=re.match(r"[\w.-]+", block)[0],  # type: ignore[index]  # a block begins with a name
            text="".join(line for line in block.splitlines(keepends=True) if not _comment(line)),
            via=frozenset(_via(block)),
        )
        for block in re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", text, flags=re.MULTILINE)
        if "==" in block
    )


def _comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _via(block: str) -> Iterator[str]:
    for line in filter(_comment, block.splitlines()):
        word = line.strip().removeprefix("#").strip().removeprefix("via").strip()
        if word:
            yield word.split()[0]


def needed(all_entries: Iterable[Entry], roots: frozenset[str] = NEEDED) -> tuple[Entry, ...]:
    """Return the roots and what they need, in the file's order.

    Raises:
        KeyError: A root is not in the file.
    """
    by_name: Mapping[str, Entry] = {entry.name: entry for entry in all_entries}
    needed_names = {by_name[root].name for root in roots}
    while more := {e.name for e in by_name.values() if e.via & needed_names} - needed_names:
        needed_names |= more
    return tuple(entry for entry in by_name.values() if entry.name in needed_names)


if __name__ == "__main__":
    sys.stdout.write("".join(entry.text for entry in needed(entries(sys.stdin.read()))))
