"""What Query Insights records."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from infra.settings.keys import Keys, Rule, key, keys

if TYPE_CHECKING:
    from infra.settings.declared import Declared

# https://cloud.google.com/sql/docs/postgres/using-query-insights
TEXT_LIMIT_BYTES = {"ENTERPRISE": 4500, "ENTERPRISE_PLUS": 1_048_576}
PLANS_LIMIT = {"ENTERPRISE": 20, "ENTERPRISE_PLUS": 200}


class InsightsKeys(Keys):
    """Keys of Query Insights."""

    query_insights: bool = Field(
        default=True, description="Whether Query Insights records what queries cost."
    )
    query_insights_text_bytes: int = Field(
        1024, ge=256, le=1_048_576, description="Bytes of a query's text that are kept."
    )
    query_insights_plans_per_minute: int = Field(
        5, ge=0, le=200, description="Query plans that are sampled in a minute."
    )
    query_insights_client_address: bool = Field(
        default=False, description="Whether a client's address is recorded with its queries."
    )
    query_insights_tags: bool = Field(
        default=True, description="Whether sqlcommenter tags of the application are recorded."
    )


@dataclass(frozen=True, slots=True)
class Insights:
    """What Query Insights records.

    Attributes:
        enabled: Whether it records at all.
        text_bytes: Bytes of a query's text that are kept.
        plans_per_minute: Query plans that are sampled.
        client_address: Whether clients' addresses are recorded.
        tags: Whether the application's tags are.
    """

    enabled: bool
    text_bytes: int
    plans_per_minute: int
    client_address: bool
    tags: bool


def insights(d: "Declared") -> Insights:
    """Return Query Insights' settings."""
    return Insights(
        enabled=d.query_insights,
        text_bytes=d.query_insights_text_bytes,
        plans_per_minute=d.query_insights_plans_per_minute,
        client_address=d.query_insights_client_address,
        tags=d.query_insights_tags,
    )


def _limits(d: "Declared") -> Iterator[str]:
    for name, value, limit in (
        ("query_insights_text_bytes", d.query_insights_text_bytes, TEXT_LIMIT_BYTES[d.edition]),
        (
            "query_insights_plans_per_minute",
            d.query_insights_plans_per_minute,
            PLANS_LIMIT[d.edition],
        ),
    ):
        if value > limit:
            yield f"{key(name)}: {value} is past the limit of edition {d.edition}: {limit}."


RULES: tuple[Rule, ...] = (
    (
        keys("edition", "query_insights_text_bytes", "query_insights_plans_per_minute"),
        _limits,
    ),
)
