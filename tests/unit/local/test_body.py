import pytest

from infra.local.api.body import canonical, merged, required
from infra.local.api.errors import ApiError
from infra.local.api.methods import methods


def test_names_numbers_and_enums_take_the_apis_form() -> None:
    raw = {
        "instance_type": 1,
        "settings": {
            "settingsVersion": 7,
            "availabilityType": "REGIONAL",
            "userLabels": {"a": "b"},
            "backupConfiguration": {"enabled": True, "transactionLogRetentionDays": 3},
            "databaseFlags": [],
            "ipConfiguration": {"requireSsl": None},
        },
    }

    found = canonical("DatabaseInstance", raw)

    assert found["settings"]["settingsVersion"] == "7"
    assert found["settings"]["userLabels"] == {"a": "b"}
    assert found["settings"]["databaseFlags"] == []
    assert found["settings"]["ipConfiguration"] == {"requireSsl": None}
    assert found["instanceType"] == "CLOUD_SQL_INSTANCE"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"settings": {"nothing": 1}}, "'body.settings'"),
        ({"settings": {"databaseFlags": {}}}, "body.settings.database_flags"),
        ({"settings": {"databaseFlags": [{"name": "a"}, "b"]}}, "database_flags[1]"),
        ({"settings": {"userLabels": []}}, "body.settings.user_labels"),
        ({"settings": {"settingsVersion": "new"}}, "body.settings.settings_version"),
        ({"state": 9999}, "body.state"),
    ],
)
def test_a_wrong_field_is_refused_with_its_path(raw: object, path: str) -> None:
    with pytest.raises(ApiError) as refused:
        canonical("DatabaseInstance", raw)

    assert refused.value.code == 400
    assert path in refused.value.message


def test_a_patch_merges_objects_replaces_lists_and_removes_nulls() -> None:
    before = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3}

    after = merged(before, {"a": {"y": 5, "z": None}, "b": [], "c": None})

    assert after == {"a": {"x": 1, "y": 5}, "b": []}
    assert before["c"] == 3


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ApiError, match=r"settings\.tier"):
        required({"settings": {}}, "settings", "tier")


def test_the_whole_api_is_known_and_suffixes_come_first() -> None:
    every = methods()

    assert len(every) == 85
    suffixed = [":" in method.path for method in every]
    assert suffixed == sorted(suffixed, reverse=True)
