"""Where a stack lies: project, region, endpoint, and whether changes are guarded."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field

from infra.settings.keys import Keys, Rule

if TYPE_CHECKING:
    from infra.settings.declared import Declared

LOOPBACK = ("127.0.0.1", "localhost", "::1")
API_PATH = "/sql/v1beta4/"  # the provider's database calls follow no other path
ENDPOINT = "gcp:sqlCustomEndpoint"


class StackKeys(Keys):
    """Keys that say where a stack lies."""

    project: str = Field(alias="gcp:project", min_length=1, description="Google Cloud project.")
    region: str = Field(alias="gcp:region", min_length=1, description="Region of the instance.")
    sql_custom_endpoint: str = Field(
        "", alias=ENDPOINT, description="Another Admin API than Google's."
    )
    production: bool = Field(
        default=False, description="Whether changes are guarded: dry by default, confirmed by name."
    )


def is_local(d: "Declared") -> bool:
    """Tell whether the stack's Admin API is on this machine."""
    return on_this_machine(d.sql_custom_endpoint)


def on_this_machine(address: str) -> bool:
    """Tell whether an Admin API's address is a loopback address."""
    return urlsplit(address).hostname in LOOPBACK


def endpoint(d: "Declared") -> str | None:
    """Return the Admin API's address without its path; None for Google's."""
    parts = urlsplit(d.sql_custom_endpoint)
    return f"{parts.scheme}://{parts.netloc}" if d.sql_custom_endpoint else None


def _endpoint(d: "Declared") -> Iterator[str]:
    if not d.sql_custom_endpoint:
        return
    parts = urlsplit(d.sql_custom_endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path != API_PATH:
        yield (
            f"{ENDPOINT}: {d.sql_custom_endpoint!r} is no Admin API address."
            f" Write scheme://host:port{API_PATH}, with the last slash."
        )


RULES: tuple[Rule, ...] = (((ENDPOINT,), _endpoint),)
