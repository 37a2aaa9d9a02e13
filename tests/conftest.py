"""What every test starts from."""

import signal

import pytest


@pytest.fixture(autouse=True, scope="session")
def _interrupts_arrive() -> None:
    """Let the programs that tests start take Ctrl-C, also where the tests run in the background.

    A shell without job control has its background commands ignore it, and they pass that on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _nothing_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's stack, local Cloud SQL and libpq settings out of the tests."""
    for name in (
        "INVOKE_STACK",
        "LOCAL_CLOUDSQL_DIR",
        "LOCAL_CLOUDSQL_PORT",
        "LOCAL_CLOUDSQL_PG_PORT",
        "PGDATABASE",
        "PGHOST",
        "PGPASSFILE",
        "PGPASSWORD",
        "PGPORT",
        "PGUSER",
    ):
        monkeypatch.delenv(name, raising=False)
