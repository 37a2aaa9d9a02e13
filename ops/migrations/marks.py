"""The lines ``-- migrate:up`` and ``-- migrate:down``, and comments that are almost such a line.

A comment that is almost a mark is dangerous: read as a comment, it makes the way back a part of
the way forward. Only the beginning of a comment counts, so that prose can mention marks.
"""

import re
import unicodedata
from collections.abc import Iterable

_MARK = re.compile(r"--\s*migrate:(?P<direction>up|down)(?P<options>\s.*|)")
_DISABLED = re.compile(r"--+\s+(?P<mark>--.*)", re.DOTALL)
# What people draw around a title: -- ==== DOWN ====, /** down */, --- :down
_DECORATION = " \t\r\n-*/#=~_.:|<>[](){}"
_OPTIONS = r"""(?:\s+(?:[a-z_]+[:=]\S*|"[^"]*"|'[^']*'))*"""
_OTHER_TOOLS = re.compile(
    r"""
      \+\s*[a-z-]+\s+(up|down|statement\s*(begin|end)|no\s*transaction|envsub)\b  # +goose
    | \+\s*(goose|migrate|micrate|rambler)\b  # and misspelled
    | [!@]\s*(ups?|downs?|undo|rollback)[\W_]*$                          # Play, MyBatis Migrations
    | create\s+above\s*/\s*drop\s+below                                                # tern
    | liquibase\s+formatted\s+sql | changeset\s+\S+:\S+                            # Liquibase
    | \S*\d\S*\.(up|down)\.sql[\W_]*$                                # names of golang-migrate
    | (alembic|atlas|dbmate|flyway|knex|sqlx|umzug|yoyo)\s*:\s*(up|down|undo|rollback)\b
    | [+%^]\s*(up|down|undo|rollback)[\W_]*$
    """,
    re.VERBOSE,
)
# A title alone on its line, between statements: -- Down, -- ROLLBACK:, -- Up Migration
_TITLE = re.compile(
    r"(begin\s+|start\s+(of\s+)?)?(up|down|undo|roll[\s-]?back|reverse|revert|upgrade|downgrade)"
    r"([\s:_-]+(migrat(e|ions?)|sections?|parts?|steps?|scripts?|sql))*[\W_]*"
    r"|migrat(e|ions?)[\s:_-]+(up|down|undo|roll[\s-]?back)[\W_]*"
)
# Without a space even the beginning of the word counts; with one, a whole word for the way back.
_BACK = re.compile(
    r"migrate:(down\w*|dn|do|back\w*|roll[\s-]?back\w*|drop|remove|end|stop)\b"
    r"|migrate\s*:\s*(down|dn|undo|roll[\s-]?back|backwards?)\b"
)
_NUMBERED = re.compile(r"(\d+|[a-z])[.)]\s+")  # 1. migrate:down
_WORDS = (
    "migrate",
    "migration",
    "migrations",
    "goose",
    "rambler",
    "micrate",
    "dbmate",
    "sql-migrate",
)
_JOINED = re.compile(r"(?P<word>[\w-]+?)\s?[:;](?P<direction>\w+)")
_SPACED = re.compile(
    r"(?P<word>[\w-]+?)(?P<separator>\s*:\s*|\s+)(up|down)(?P<after>.*)", re.DOTALL
)
_ENGLISH = re.compile(r"\s+(to|from|until|by)\s+\w")  # "migrate: up to 1,000 rows at a time"
_LETTERS = tuple(word.replace("-", "") for word in _WORDS)
_MOST_LETTERS = max(map(len, _LETTERS)) + len("down") + 2  # a slip in each of both words
_UPS = frozenset({"up", "upp", "uup", "pu"})
_DIRECTIONS = frozenset({"undo", "rollback", "revert", "reverse", "downgrade", "upgrade", "u", "d"})


def mark(comment: str) -> re.Match[str] | None:
    """Return what a comment says as a mark: its ``direction`` and ``options``."""
    return _MARK.fullmatch(comment.rstrip())


def is_disabled_down(comment: str) -> bool:
    """Tell whether a comment is the mark of a down section behind another ``--``."""
    inner = _DISABLED.fullmatch(comment.rstrip())
    match = mark(inner["mark"]) if inner else None
    return match is not None and match["direction"] == "down"


def is_almost(comment: str, *, between: bool) -> bool:
    """Tell whether a comment begins like a mark of ours or of another tool.

    Args:
        comment: with its ``--`` or ``/*``, and no mark.
        between: whether it begins a line between statements; a title counts only there.
    """
    head = _head(comment).lstrip(_DECORATION)
    title = head.rstrip(_DECORATION)
    text = re.sub(r"^[\W_]+", "", head)
    return (
        _OTHER_TOOLS.match(head) is not None
        or _BACK.match(_NUMBERED.sub("", text, count=1)) is not None
        or re.fullmatch(r"migrat\w*\s*:[\W_]*", head) is not None
        or (between and _TITLE.fullmatch(title) is not None)
        or _is_ours(re.sub(r"^[\W_]+", "", title))
    )


def _head(comment: str) -> str:
    """Return the first line of a comment's text, as plain as possible."""
    text = comment.removesuffix("*/") if comment.startswith("/*") else comment
    lines = (line for line in text.splitlines() if line.strip(_DECORATION))
    plain = unicodedata.normalize("NFKC", next(lines, ""))
    return "".join(c for c in plain if unicodedata.category(c) != "Cf").casefold()


def _is_ours(title: str) -> bool:
    joined = _JOINED.match(title)
    if joined and _is_word(joined["word"]) and _is_direction(joined["direction"]):
        return True
    spaced = _SPACED.match(title)
    if spaced and _is_word(spaced["word"]) and _ends_as_mark(spaced["separator"], spaced["after"]):
        return True
    # Nothing but the mark, whatever its letters, spaces and signs: "migrate -> donw"
    letters = re.sub(r"[\W_]", "", re.sub(f"{_OPTIONS}$", "", title))
    if len(letters) > _MOST_LETTERS:
        return False
    cuts = range(max(len(letters) - 5, 0), len(letters))
    return any(
        (letters[cut:] in _UPS or _distance(letters[cut:], "down") <= 1)
        and _nearest(letters[:cut], _LETTERS) <= 1
        for cut in cuts
    )


def _ends_as_mark(separator: str, after: str) -> bool:
    """Tell whether what follows an up or down is no prose."""
    if ":" in separator:
        return not re.match(r"\w", after) and not _ENGLISH.match(after)
    return re.match(r"\s*[:;.!)\]}]", after) is not None


def _is_word(word: str) -> bool:
    return word in _WORDS or _nearest(word, ("migrate", "migration")) <= 2  # noqa: PLR2004 - two slips


def _is_direction(word: str) -> bool:
    down = len(word) > 2 and _distance(word, "down") <= 2  # noqa: PLR2004 - two slips of four letters
    return down or _distance(word, "up") <= 1 or word in _DIRECTIONS


def _nearest(word: str, others: Iterable[str]) -> int:
    return min(_distance(word, other) for other in others)


def _distance(a: str, b: str) -> int:
    """Return how many letters are missing, added, changed or swapped between two words."""
    if abs(len(a) - len(b)) > 2:  # noqa: PLR2004 - nobody asks beyond two
        return 3
    rows = [list(range(len(b) + 1))]
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other))
            if i > 1 and j > 1 and (letter, other) == (b[j - 2], a[i - 2]):
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
