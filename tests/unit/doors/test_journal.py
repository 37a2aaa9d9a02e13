from pathlib import Path

import pytest

from ops.journal import BadEntryError, unfinished
from ops.store import FolderStore


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null", b'{"number": 1}'])
def test_a_damaged_entry_is_named_with_its_remedy(tmp_path: Path, content: bytes) -> None:
    store = FolderStore(tmp_path)
    store.put("journal/drill/one/0001.json", content)
    (journal,) = unfinished(store, "drill")
    with pytest.raises(BadEntryError, match=r"drill/one/0001\.json can't be read.*remove the file"):
        journal.entries()
