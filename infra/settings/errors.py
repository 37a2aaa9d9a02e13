"""What is told when a stack's configuration can't be used."""

from ops.errors import BadInputError


class SettingsError(BadInputError):
    """A stack's configuration can't be used; every problem is told.

    Attributes:
        problems: One sentence each, beginning with the key.
    """

    def __init__(self, stack: str, problems: tuple[str, ...]) -> None:
        self.problems = problems
        count = "1 setting" if len(problems) == 1 else f"{len(problems)} settings"
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"The configuration of stack {stack} has {count} that can't be used."
            f" Correct Pulumi.{stack}.yaml:\n{listed}"
        )
