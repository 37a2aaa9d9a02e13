"""Renders a page from a template of its package, in the frame that all pages share."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ops.pages.values import amount, brief, moment

if TYPE_CHECKING:  # slow to import: only a page needs it
    from jinja2 import Environment

_FRAME = Path(__file__).parent


def render(template: Path, **values: object) -> str:
    """Return a page of HTML, or a block of one.

    Args:
        template: a Jinja template, which may extend ``frame.html.j2``; a value that it names
            and does not get is an error, and every value is escaped that is no Markup.
        values: what the template names.
    """
    return _environment(template.parent).get_template(template.name).render(**values)


@cache
def _environment(folder: Path) -> "Environment":
    """Return how templates of a folder are read; each is compiled once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, _FRAME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": amount, "moment": moment, "brief": brief}
    return environment
