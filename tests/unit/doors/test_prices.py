"""What instances cost, against sums done by hand."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ops.prices.book import FILE, PriceBookError, load
from ops.prices.monthly import PriceChange, difference, monthly

BOOK = load()
MACHINE: Mapping[str, Any] = {
    "tier": "db-custom-2-7680",
    "edition": "ENTERPRISE",
    "activationPolicy": "ALWAYS",
    "availabilityType": "REGIONAL",
    "dataDiskSizeGb": "100",
    "dataDiskType": "PD_SSD",
    "ipConfiguration": {"ipv4Enabled": False},
    "backupConfiguration": {
        "enabled": True,
        "backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"},
    },
}


def body(region: str = "asia-east1", /, **settings: object) -> dict[str, Any]:
    return {"name": "db", "region": region, "settings": {**MACHINE, **settings}}


def amounts(**settings: object) -> dict[str, str]:
    price = monthly(body(**settings), BOOK)
    return {one.name: str(one.amount) for one in price.parts}


def change(**settings: object) -> PriceChange:
    return difference(monthly(body(), BOOK), monthly(body(**settings), BOOK))


def test_production_costs_what_the_list_says() -> None:
    price = monthly(body(), BOOK)
    assert price.total == Decimal("231.25")
    assert price.words() == "at least 231.25 USD a month"
    assert amounts() == {
        "vCPU": "120.60",  # 2 x 730 x 0.0826
        "memory": "76.65",  # 7.5 x 730 x 0.0140
        "disk": "34.00",  # 100 x 0.34
        "backups": "None",
        "network egress": "None",
    }
    assert [one.why for one in price.unpriced] == [
        "by what they hold (7 are kept, 0.08 a GB)",
        "by what is sent",
    ]


@pytest.mark.parametrize(
    ("settings", "total"),
    [
        ({"availabilityType": "ZONAL"}, "115.63"),  # 60.30 + 38.33 + 17.00
        ({"tier": "db-custom-4-15360"}, "428.49"),  # 241.19 + 153.30 + 34.00
        ({"dataDiskSizeGb": "250"}, "282.25"),
        ({"ipConfiguration": {"ipv4Enabled": True}}, "238.55"),  # 730 x 0.010
        ({"activationPolicy": "NEVER"}, "34.00"),
        ({"backupConfiguration": {"enabled": False}}, "231.25"),
    ],
)
def test_every_part_counts(settings: Mapping[str, object], total: str) -> None:
    assert monthly(body(**settings), BOOK).total == Decimal(total)


def test_replica_has_its_primarys_disk() -> None:
    settings = {
        "tier": "db-custom-2-7680",
        "edition": "ENTERPRISE",
        "availabilityType": "ZONAL",
        "dataDiskType": "PD_SSD",
    }
    replica = {"region": "asia-east1", "masterInstanceName": "db", "settings": settings}
    assert monthly(replica, BOOK, source=body()).total == Decimal("115.63")
    alone = monthly(replica, BOOK)
    assert alone.total == Decimal("98.63")
    assert {one.name: one.why for one in alone.unpriced}["disk"] == "its size is not declared"


@pytest.mark.parametrize(
    ("region", "settings", "unpriced", "why"),
    [
        ("us-central1", {}, {"vCPU", "memory", "disk"}, "no price for ENTERPRISE in us-central1"),
        (
            "asia-east1",
            {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2"},
            {"vCPU", "memory", "disk"},
            "no price for ENTERPRISE_PLUS in asia-east1",
        ),
        (
            "asia-east1",
            {"tier": "db-f1-micro"},
            {"vCPU", "memory"},
            "the size of tier db-f1-micro is not known",
        ),
        ("asia-east1", {"dataDiskType": "PD_HDD"}, {"disk"}, "no price for PD_HDD"),
        ("asia-east1", {"dataDiskSizeGb": "much"}, {"disk"}, "its size is not declared"),
        ("asia-east1", {"edition": ""}, {"vCPU", "memory", "disk"}, "no price for an unknown"),
    ],
)
def test_what_has_no_price_is_never_nothing(
    region: str, settings: Mapping[str, object], unpriced: set[str], why: str
) -> None:
    price = monthly(body(region, **settings), BOOK)
    left_out = {one.name: one.why for one in price.unpriced}
    assert left_out.keys() == unpriced | {"backups", "network egress"}
    assert all(left_out[name].startswith(why) for name in unpriced)


def test_nothing_priced_has_no_total() -> None:
    assert monthly(body("us-central1"), BOOK).words() == "not priced"


def test_commitments_are_told() -> None:
    told = {one.years: one.percent for one in monthly(body(), BOOK).commitments}
    assert told == {1: Decimal(25), 3: Decimal(52)}


@pytest.mark.parametrize(
    ("settings", "words", "differing"),
    [
        ({}, "+0.00 USD a month", set()),
        ({"tier": "db-custom-4-15360"}, "+197.24 USD a month", {"vCPU", "memory"}),
        ({"availabilityType": "ZONAL"}, "-115.62 USD a month", {"vCPU", "memory", "disk"}),
        ({"dataDiskSizeGb": "250"}, "+51.00 USD a month", {"disk"}),
        (
            {"ipConfiguration": {"ipv4Enabled": True}},
            "+7.30 USD a month",
            {"public address"},
        ),
        (
            {"dataDiskType": "PD_HDD"},
            "not known; not priced: disk",
            {"disk"},
        ),
        (
            {
                "backupConfiguration": {
                    "enabled": True,
                    "backupRetentionSettings": {"retainedBackups": 30},
                }
            },
            "+0.00 USD a month; not priced: backups",
            {"backups"},
        ),
    ],
)
def test_difference(settings: Mapping[str, object], words: str, differing: set[str]) -> None:
    found = change(**settings)
    assert found.words() == words
    assert {one.name for one in found.differing} == differing


def test_difference_of_a_price_and_none_is_not_the_totals() -> None:
    found = change(edition="ENTERPRISE_PLUS", tier="db-perf-optimized-N-2")
    assert found.change is None
    assert found.words().startswith("not known; not priced: vCPU, memory, disk")


def test_new_and_deleted_instances() -> None:
    price = monthly(body(), BOOK)
    new, gone = difference(None, price), difference(price, None)
    assert new.unknown == gone.unknown == ("backups", "network egress")
    assert [one.change for one in new.parts[:3]] == [
        Decimal(one) for one in ("120.60", "76.65", "34")
    ]
    assert [one.change for one in gone.parts[:3]] == [
        -one.change for one in new.parts[:3] if one.change
    ]
    assert new.words() == "+231.25 USD a month; not priced: backups, network egress"
    assert gone.words() == "-231.25 USD a month; not priced: backups, network egress"
    assert difference(None, None).words() == ""
    elsewhere = difference(None, monthly(body("us-central1"), BOOK))
    assert elsewhere.words() == (
        "not known; not priced: vCPU, memory, disk, backups, network egress"
    )


def test_old_book_says_its_age() -> None:
    assert BOOK.warning(date(2027, 4, 30)) == ""
    said = BOOK.warning(date(2027, 5, 1))
    assert "of 2026-11-01 and 181 days old" in said


def test_every_figure_has_a_source() -> None:
    assert {one.source for one in BOOK.figures} == {BOOK.source}
    assert {(one.unit, one.edition, one.region) for one in BOOK.figures} == {
        (unit, "ENTERPRISE", "asia-east1")
        for unit in ("vCPU-hour", "GB-hour", "GB-month", "address-hour")
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"0.0413"', "0.0413", "figures, 1, price: input should be a valid string"),
        ('"0.0413"', '"free"', "figures, 1, price: string should match pattern"),
        ("dated: 2026-11-01", "dated: soon", "dated: input should be a valid date"),
        ("currency: USD", "curency: USD", "curency: extra inputs are not permitted"),
        ("availability: REGIONAL", "availability: ZONAL", "has two prices"),
        ("figures:", "figures: [", "while parsing"),
        ("    source: https://cloud.google.com/sql/pricing\n", "", "source: field required"),
    ],
)
def test_bad_book_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "prices.yaml"
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(PriceBookError) as refused:
        load(path)
    assert said in str(refused.value)


def test_a_price_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("dated: 2026-11-01\ncurrency: USD\ncurrency: EUR\n")
    with pytest.raises(PriceBookError, match="currency is written twice, in lines 2 and 3"):
        load(path)
