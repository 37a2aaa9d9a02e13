"""What the Pulumi CLI runs."""

from infra.program import declare
from infra.settings import from_config

declare(from_config())
