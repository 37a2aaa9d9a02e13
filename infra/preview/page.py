"""A preview as one HTML page that needs nothing else: no script, no font, no network."""

from importlib.resources import files

from infra.preview.show import after, before, headline, kind, sentences, short
from infra.preview.verdict import Preview


def page(preview: Preview) -> str:
    """Return the page; Jinja escapes every value."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    text = files("infra.preview").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        preview=preview,
        headline=headline(preview),
        after=after,
        before=before,
        kind=kind,
        sentences=sentences,
        short=short,
    )
