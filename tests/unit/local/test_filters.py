import pytest

from infra.local.api import filters
from infra.local.api.errors import ApiError
from infra.local.api.paging import page

INSTANCE = {
    "name": "ai-square-db",
    "state": "RUNNABLE",
    "settings": {
        "tier": "db-custom-2-7680",
        "settingsVersion": "12",
        "deletionProtectionEnabled": True,
        "userLabels": {"team": "data", "a.b": "c"},
        "databaseFlags": [{"name": "work_mem", "value": "8192"}],
    },
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "state:RUNNABLE",
        "state = runnable",
        "state:RUNNABLE settings.tier:db-custom-2-7680",
        "state:RUNNABLE AND name:ai-*",
        "state:FAILED OR name:*-db",
        "state:RUNNABLE (name:x OR settings.userLabels.team:data)",
        "NOT state:FAILED",
        "-state:FAILED",
        "state!=FAILED",
        "settings.userLabels.team=data",
        "settings.userLabels.a.b=c",
        "settings.userLabels:team",
        "settings.userLabels.team:*",
        "settings.databaseFlags.name:work_mem",
        "settings.deletionProtectionEnabled=true",
        "settings.settingsVersion>9",
        "settings.settingsVersion<=12",
        'name:"ai-square-db"',
    ],
)
def test_an_instance_is_found(text: str) -> None:
    assert filters.test(text)(INSTANCE)


@pytest.mark.parametrize(
    "text",
    [
        "state:FAILED",
        "state:RUNNABLE name:other",
        "name:ai",
        "name:a[i]-square-db",
        "settings.userLabels:colour",
        "settings.userLabels.colour=red",
        "nothing:*",
        "NOT state:RUNNABLE",
        "settings.settingsVersion>12",
        # OR binds tighter than AND.
        "state:FAILED name:x OR name:ai-square-db",
    ],
)
def test_an_instance_is_not_found(text: str) -> None:
    assert not filters.test(text)(INSTANCE)


@pytest.mark.parametrize(
    "text",
    ["state", "state:", ":x", "(state:x", "state:x)", 'name:"x', "a:b OR", "NOT", "=", "(" * 50,
     "-(" * 50, "NOT " * 50 + "a:b", "x" * 3000, "a:b AND"],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        filters.test(text)

    assert refused.value.code == 400


def test_pages_follow_each_other_though_items_go() -> None:
    names = ["a", "b", "c", "d", "e"]

    def ask(**query: str) -> tuple[list[str], dict[str, str]]:
        return page(query, names, key=str, after=lambda one, last: one > last)

    first, more = ask(maxResults="2")
    names.remove("b")
    second, rest = ask(maxResults="2", pageToken=more["nextPageToken"])
    third, end = ask(maxResults="2", pageToken=rest["nextPageToken"])

    assert (first, second, third, end) == (["a", "b"], ["c", "d"], ["e"], {})
    assert ask() == (["a", "c", "d", "e"], {})
    assert ask(maxResults="0")[1] == {}
    for token in ("!", "abc", "\ud7ff", "_w=="):
        with pytest.raises(ApiError):
            ask(pageToken=token)
