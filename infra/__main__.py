"""What the Pulumi CLI runs."""

import pulumi

from infra.program import declare
from infra.settings import from_config
from ops.errors import BadInputError

try:
    settings = from_config()
except BadInputError as error:
    raise pulumi.RunError(str(error)) from error  # the CLI prints these without a traceback

declare(settings)
