"""Lists in pages: maxResults (or pageSize), pageToken and nextPageToken."""

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from infra.local.api.errors import ApiError, invalid

T = TypeVar("T")
_PAGE = 500  # also the most that a client gets at once


def page(
    query: Mapping[str, str],
    items: Iterable[T],
    key: Callable[[T], str],
    after: Callable[[T, str], bool],
) -> tuple[list[T], dict[str, str]]:
    """Return one page of a list, and the field that leads to the next one.

    What is deleted between two pages does not disturb: a token tells where the last page
    ended, not how many were seen.

    Args:
        query: The request's parameters.
        items: All items, in the list's order.
        key: Tells an item's place in that order.
        after: Whether an item comes after such a place.

    Raises:
        ApiError: 400 for a token that is none.
    """
    limit, last = parse(query)
    try:
        rest = [item for item in items if last is None or after(item, last)]
    except ValueError:
        raise no_token() from None
    listed = rest[:limit]
    return listed, following(key(listed[-1])) if len(rest) > limit else {}


def parse(query: Mapping[str, str]) -> tuple[int, str | None]:
    """Return how many items are wanted, and the place where the last page ended.

    Raises:
        ApiError: 400 for a token that is none.
    """
    limit = int(query.get("maxResults") or query.get("pageSize") or 0)
    token = query.get("pageToken") or ""
    try:
        last = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:  # binascii's and Unicode's are such
        raise no_token() from None
    return min(limit, _PAGE) if limit > 0 else _PAGE, last or None


def following(place: str) -> dict[str, str]:
    """Return the field that leads to the page after a place."""
    return {"nextPageToken": base64.urlsafe_b64encode(place.encode()).decode()}


def no_token() -> ApiError:
    """Return the error of a token that leads nowhere."""
    return invalid("the page token is not one of this list.")
