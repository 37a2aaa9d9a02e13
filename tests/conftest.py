"""What every test starts from."""

import pytest


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
