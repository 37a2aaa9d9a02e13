"""What can go wrong in the local Cloud SQL, as sentences."""

from pathlib import Path

from ops.errors import BadInputError, OpsError


class EngineError(OpsError):
    """PostgreSQL, or one of its programs, refused or failed.

    The sentence becomes the message of the failed operation.

    Attributes:
        code: The operation error's code.
    """

    code: str = "INTERNAL_ERROR"


class ProgramFailedError(EngineError):
    """One of PostgreSQL's programs ended with an error."""

    code = "ERROR_RDBMS"

    def __init__(self, program: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{program} failed: {reason}")


class StoppingError(EngineError):
    """The server is being stopped; what was under way is taken back or finished later."""

    def __init__(self) -> None:
        super().__init__("The local Cloud SQL was stopped before this was finished. Ask again.")


class FolderInUseError(OpsError):
    """Another local Cloud SQL works on this data folder."""

    def __init__(self, data: Path, pid: str) -> None:
        super().__init__(
            f"The data folder {data} is in use by the local Cloud SQL with pid {pid}. "
            "Stop that one first, or give another folder with --data."
        )


class StateRefusedError(OpsError):
    """The server's state does not belong to what is in the data folder."""

    def __init__(
        self, data: Path, reason: str, content: str, spare: str, *, readable: bool
    ) -> None:
        aside = "what the state does not know" if readable else "the state, instances and backups"
        super().__init__(
            f"The state of the local Cloud SQL, {data / 'state.sqlite'}, {reason}, so nothing is "
            f"started and nothing is removed. Its folder has {content}. To go on, {spare}start it "
            f"with `invoke local.up --set-aside`, which moves {aside} to {data / 'aside'}; or "
            "remove all of it with `invoke local.down --wipe`."
        )


class FolderNameError(BadInputError):
    """The data folder's path has characters that PostgreSQL's programs hand to a shell."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"The data folder {str(data)!r} can't be used: pg_ctl passes its name to a shell. "
            'Give one without ", $, ` and line breaks.'
        )


class FolderUnreachableError(OpsError):
    """The clusters' operating system user can't enter the data folder."""

    def __init__(self, data: Path, user: str) -> None:
        super().__init__(
            f"The user {user}, who runs PostgreSQL, can't enter {data}: a folder above it is "
            "closed. Give a folder such as /var/lib/ai-square-db with --data."
        )


class PortInUseError(OpsError):
    """The port of the Admin API is taken."""

    def __init__(self, port: int, holder: str) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is taken by {holder}. Give another one with --port, "
            "or 0 for any free one."
        )


class PostgresPortInUseError(EngineError):
    """PostgreSQL's port is taken on every loopback address."""

    def __init__(self, port: int, holder: str) -> None:
        super().__init__(
            f"Port {port} is taken on every address by {holder}, so no instance can listen on it. "
            "Stop that, or start the local Cloud SQL with another --pg-port."
        )


class NoAddressError(EngineError):
    """No loopback address is free."""

    def __init__(self) -> None:
        super().__init__("No free loopback address was found in 127.0.0.0/8. Delete an instance.")


class InterruptedOperationError(EngineError):
    """The server was killed while an operation ran; it was taken back."""

    code = "OPERATION_INTERRUPTED"  # it says nothing of what was worked on

    def __init__(self) -> None:
        super().__init__(
            "The local Cloud SQL was stopped while this ran, and took it back. Ask again."
        )
