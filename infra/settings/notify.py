"""Who is told how a drill ended, beside the alerts: a webhook."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from infra.settings.keys import Keys, Rule, key, keys
from infra.settings.stack import ENDPOINT, is_local

if TYPE_CHECKING:
    from infra.settings.declared import Declared

NAME = re.compile(
    r"[A-Za-z0-9_-]{1,255}"
)  # https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create


class NotifyKeys(Keys):
    """Keys of the notification after a drill; the webhook's address is a secret, and none."""

    notify_webhook: str = Field(
        "",
        description="Secret (its name) with the webhook's address for the jobs; empty for none.",
    )
    notify_when: Literal["always", "problems"] = Field(
        "always", description="Which drills are told of, always or problems alone."
    )
    notify_template: str = Field(
        "", description="Jinja template of the message's body; empty for JSON with a text."
    )


@dataclass(frozen=True, slots=True)
class Notify:
    """How a drill's end is told.

    Attributes:
        secret: Name of the secret with the webhook's address; None for none.
        when: ``always`` or ``problems``.
        template: Of the body; empty for the usual one.
    """

    secret: str | None
    when: str
    template: str


def notify(d: "Declared") -> Notify:
    """Return the settings of notifications."""
    return Notify(d.notify_webhook or None, d.notify_when, d.notify_template)


def _webhook(d: "Declared") -> Iterator[str]:
    if d.notify_webhook and not NAME.fullmatch(d.notify_webhook):
        yield (  # without the value: it may be the address
            f"{key('notify_webhook')}: this is no secret's name. A webhook's address is a secret:"
            " take it out, keep it in Secret Manager, and give the name it has there."
        )


def _template(d: "Declared") -> Iterator[str]:
    if not d.notify_template:
        return
    from jinja2 import TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    try:
        SandboxedEnvironment(autoescape=False).parse(d.notify_template)
    except TemplateSyntaxError as error:
        yield f"{key('notify_template')}: line {error.lineno}: {str(error.message).rstrip('.')}."


def _needs_jobs(d: "Declared") -> Iterator[str]:
    if d.notify_webhook and is_local(d):
        yield (
            f"{key('notify_webhook')}: the local Cloud SQL has no secrets. Leave it out, and set"
            " AI_SQUARE_NOTIFY_URL."
        )


RULES: tuple[Rule, ...] = (
    (keys("notify_webhook"), _webhook),
    (keys("notify_template"), _template),
    ((ENDPOINT, *keys("notify_webhook")), _needs_jobs),
)
