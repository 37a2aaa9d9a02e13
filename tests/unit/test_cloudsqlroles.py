"""The closed list of system roles."""

import pytest

from ops.cloudsqlroles import ADMINISTRATORS, MEANING, PREDEFINED, SYSTEM, more_than_listed


def test_each_role_that_a_listed_role_is_a_member_of_is_listed_and_has_a_meaning() -> None:
    groups = {group for role in SYSTEM.values() for group in role.groups}
    assert groups <= MEANING.keys()
    assert set(PREDEFINED) | {ADMINISTRATORS} == set(MEANING)


@pytest.mark.parametrize(
    ("name", "attributes", "groups", "more"),
    [
        ("postgres", {"LOGIN", "CREATEROLE", "CREATEDB"}, {"cloudsqlsuperuser"}, ()),
        ("postgres", set(), set(), ()),
        ("postgres", {"BYPASSRLS"}, {"shop"}, ("BYPASSRLS", "membership of shop")),
        ("cloudsqliamuser", {"LOGIN"}, set(), ("LOGIN",)),
        ("pg_read_all_data", set(), {"pg_write_all_data"}, ("membership of pg_write_all_data",)),
    ],
)
def test_a_listed_role_has_its_rights_and_no_more(
    name: str, attributes: set[str], groups: set[str], more: tuple[str, ...]
) -> None:
    assert more_than_listed(name, frozenset(attributes), frozenset(groups)) == more


def test_a_name_that_begins_like_cloud_sqls_is_on_no_list() -> None:
    with pytest.raises(KeyError):
        more_than_listed("cloudsqlhelper", frozenset(), frozenset())
