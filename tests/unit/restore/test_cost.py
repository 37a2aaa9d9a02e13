"""What copies cost at most, against sums done by hand; and the cap."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ops.cloudsql import BackupRun, Instance
from ops.prices.book import load
from ops.restore.copies import CopyPlan, Kind
from ops.restore.drill.cost import CostCapError, UnpricedError, estimate, hold

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
RUN = BackupRun("1", "db", "SUCCESSFUL", "AUTOMATED", "", NOW, NOW, "")
COPIES = (CopyPlan(Kind.BACKUP, "db-b1", RUN), CopyPlan(Kind.CLONE, "db-c"))
HOUR_S = 3600.0


def _source(region: str = "asia-east1") -> Instance:
    settings = {
        "tier": "db-custom-2-7680",
        "edition": "ENTERPRISE",
        "availabilityType": "REGIONAL",
        "dataDiskSizeGb": "100",
        "dataDiskType": "PD_SSD",
        "backupConfiguration": {"enabled": True},
    }
    body = {"name": "db", "region": region, "databaseVersion": "POSTGRES_15", "settings": settings}
    return Instance("db", "RUNNABLE", "10.0.0.3", "", "POSTGRES_15", 1, True, body)  # noqa: FBT003 - a record


def test_a_restored_backup_is_zonal_and_a_clone_what_the_source_is() -> None:
    # A month: 2 vCPU, 7.5 GB, 100 GB. Zonal 60.30 + 38.33 (38.325) + 17.00, regional twice that.
    zonal = Decimal("60.30") + Decimal("38.33") + Decimal("17.00")
    regional = Decimal("120.60") + Decimal("76.65") + Decimal("34.00")
    cost = estimate(_source(), COPIES, 3 * HOUR_S, load())
    assert cost.amount == ((zonal + regional) / 730 * 3).quantize(Decimal("0.01"))
    assert cost.words().startswith("Cost on Cloud SQL: at most 1.43 USD, 2 copies for up to 3 h")
    hold(cost, None)
    hold(cost, Decimal(0))
    hold(cost, Decimal("1.43"))
    with pytest.raises(CostCapError, match=r"1\.43 USD.*over the cap of 1\.42 USD"):
        hold(cost, Decimal("1.42"))


def test_what_has_no_price_is_told_and_refused_only_under_a_cap() -> None:
    cost = estimate(_source("mars-north1"), COPIES[:1], HOUR_S, load())
    assert cost.amount is None
    assert "no price for ENTERPRISE in mars-north1" in cost.words()
    hold(cost, None)
    with pytest.raises(UnpricedError, match="--cost-cap 0"):
        hold(cost, Decimal(100))
    assert cost.document()["at_most"] is None


def test_a_document_holds_the_amount_exactly() -> None:
    cost = replace(estimate(_source(), COPIES, HOUR_S, load()), amount=Decimal("0.10"))
    assert cost.document()["at_most"] == "0.10"
    assert cost.document()["hours"] == 1
