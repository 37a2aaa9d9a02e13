"""What a SQL file makes and fills, and which of its statements do anything else."""

from dataclasses import dataclass, field

Name = tuple[str, ...]  # schema and name


@dataclass(frozen=True, slots=True)
class Objection:
    """A statement that is not the making or filling of the file's own objects.

    Attributes:
        line: where it begins in the file, from 1.
        statement: its beginning.
        reason: what is wrong with it.
        role: it passes where this role is one of the stack's.
        extension: it passes where this extension is installed.
        fresh: it passes in a database that is made for the import.
    """

    line: int
    statement: str
    reason: str
    role: str = ""
    extension: str = ""
    fresh: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.statement}: {self.reason}"


@dataclass(slots=True)
class Script:
    """What a SQL file makes and fills; it grows with each statement that is read.

    Attributes:
        relations: tables, views and sequences that it makes.
        tables: those of them that take rows.
        stored: those of them that have rows of their own: not partitioned ones.
        rows: how many rows it has for each table.
        is_copied: whether rows come as COPY, which a dump has for empty tables too.
        sequences: sequences that belong to it.
        positions: where it sets sequences to: the last value, and whether that is used.
        constraints: named ones: table, name.
        indexes: of it.
        keyed: tables with a primary or unique key.
        objections: the first ``MOST_OBJECTIONS`` statements that do something else.
        more: how many further ones there are.
    """

    relations: set[Name] = field(default_factory=set)
    tables: set[Name] = field(default_factory=set)
    stored: set[Name] = field(default_factory=set)
    rows: dict[Name, int] = field(default_factory=dict)
    is_copied: bool = False
    sequences: set[Name] = field(default_factory=set)
    positions: dict[Name, tuple[int, bool]] = field(default_factory=dict)
    constraints: set[tuple[Name, str]] = field(default_factory=set)
    indexes: set[Name] = field(default_factory=set)
    keyed: set[Name] = field(default_factory=set)
    objections: list[Objection] = field(default_factory=list)
    more: int = 0
