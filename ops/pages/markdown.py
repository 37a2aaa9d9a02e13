"""A drill's record as Markdown, for people who review it later."""

from collections.abc import Sequence

from ops.console import Table


def page(title: str, blocks: Sequence[Table | str]) -> str:
    """Return a page.

    Args:
        title: of the page.
        blocks: paragraphs and tables, in order.
    """
    lines = [f"# {title}"]
    for block in blocks:
        lines += ["", *(_table(block) if isinstance(block, Table) else (block,))]
    return "\n".join([*lines, ""])


def _table(table: Table) -> list[str]:
    rows = [table.columns, ("---",) * len(table.columns), *table.rows]
    body = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return [f"## {table.title}", "", *body]


def _cell(cell: object) -> str:
    return str(cell).replace("|", "\\|").replace("\n", " ")
