"""Renders a page from a template of its package, in the frame that all pages share."""

from pathlib import Path

from ops.pages.values import amount, brief, moment

_FRAME = Path(__file__).parent


def render(template: Path, **values: object) -> str:
    """Return a page of HTML.

    Args:
        template: a Jinja template that extends ``frame.html.j2``; a value that it names and
            does not get is an error, and every value is escaped that is no Markup.
        values: what the template names.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, _FRAME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": amount, "moment": moment, "brief": brief}
    return environment.get_template(template.name).render(**values)
