"""What a SQL file makes and fills, and which of its statements do anything else."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

Name = tuple[str, ...]  # schema and name


@dataclass(frozen=True, slots=True)
class Extensions:
    """Extensions that a file may have statements about.

    Attributes:
        installed: those that the database has, or that the import's user may install in a new one.
        own: those of them whose comment the import's user may write.
    """

    installed: Collection[str] = frozenset()
    own: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a file may do besides making and filling its own objects.

    Attributes:
        roles: owners and grants may name them.
        extensions: asked for where the file has a statement about one.
        major: version of the server, whose settings may be set; 0 where it is not known.
        is_new: the database is made for the import: there is nothing of others in it.
    """

    roles: Collection[str] = frozenset()
    extensions: Callable[[], Extensions] = Extensions
    major: int = 0
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """A statement that is not the making or filling of the file's own objects.

    Attributes:
        line: where it begins in the file, from 1.
        statement: its beginning.
        reason: what is wrong with it.
        remedy: how to get a file without it; empty where there is no way.
    """

    line: int
    statement: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.statement}: {self.reason}"


@dataclass(slots=True)
class Script:
    """What a SQL file makes and fills; it grows with each statement that is read.

    Attributes:
        made: objects that it makes: kind, and name with what else tells them apart.
        relations: tables, views and sequences that it makes.
        tables: those of them that take rows.
        stored: those of them that have rows of their own: not partitioned ones.
        parents: the partitioned table of each partition.
        rows: how many rows it has for each table.
        is_copied: whether rows come as COPY, which a dump has for empty tables too.
        sequences: sequences that belong to it.
        positions: where it sets sequences to: the last value, and whether that is used.
        constraints: named ones, that are to hold: table, name.
        indexes: of it.
        keyed: tables with a primary or unique key.
        objections: the first ``MOST_OBJECTIONS`` statements that do something else.
        more: how many further ones there are.
    """

    made: set[tuple[str, Name]] = field(default_factory=set)
    relations: set[Name] = field(default_factory=set)
    tables: set[Name] = field(default_factory=set)
    stored: set[Name] = field(default_factory=set)
    parents: dict[Name, Name] = field(default_factory=dict)
    rows: dict[Name, int] = field(default_factory=dict)
    is_copied: bool = False
    sequences: set[Name] = field(default_factory=set)
    positions: dict[Name, tuple[int, bool]] = field(default_factory=dict)
    constraints: set[tuple[Name, str]] = field(default_factory=set)
    indexes: set[Name] = field(default_factory=set)
    keyed: set[Name] = field(default_factory=set)
    objections: list[Objection] = field(default_factory=list)
    more: int = 0

    def counted_with(self, table: Name) -> Name:
        """Return the partitioned table by way of which a partition's rows come; else itself."""
        counted, above = table, self.parents.get(table)
        while above is not None:
            counted = above if self.rows.get(above) else counted
            above = self.parents.get(above)
        return counted
