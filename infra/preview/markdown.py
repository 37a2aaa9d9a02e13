"""Markdown for a pull request out of values that nobody vouches for.

Values come from stack files, flags and labels of a branch that may be a stranger's. Text goes
through `escape` before it meets Markdown, and only `document` decides what fits a comment.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

# Characters of a comment: what GitHub's API answers to a longer one (422, "body is too long
# (maximum is 65536 characters)").
LIMIT = 65_536
VALUE_LIMIT = 500  # characters of one value: a reader compares values, not documents
_BETWEEN = "\n\n"  # a blank line ends HTML, so that Markdown begins
_GAP = "&#8203;"  # zero-width space, as the filters for mentions work on the text as rendered

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# What is markup anywhere in a line, in Markdown or in HTML. As an entity it is text to both
# (CommonMark 0.31, section 2.5). A parenthesis or an exclamation mark needs a bracket.
_MARKUP = {ord(character): f"&#{ord(character)};" for character in "&<>`*~|\\[]#@$"}
# What is markup, a mention, a reference, an emoji or a link in some places only.
_SOMETIMES = (
    (re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"), "&#95;"),  # within a word it is text
    (re.compile(r"(&#(?:64|35);)(?=\S)"), rf"\1{_GAP}"),  # @name, #123
    (re.compile(r":(?=//)"), f"&#58;{_GAP}"),
    (re.compile(r":(?=(?:[0-9+-]*[a-z_][\w+-]*|100|1234|[+-]1):)"), f":{_GAP}"),
    (re.compile(r"\b(GH-)(?=\d)", re.IGNORECASE), rf"\1{_GAP}"),
    (re.compile(r"\b(www)\.", re.IGNORECASE), r"\1&#46;"),
    # at the beginning of a line: a list, a heading's underline, indented code
    (re.compile(r"^[-+=](?=[-=\s]|$)"), lambda match: f"&#{ord(match[0])};"),
    (re.compile(r"^(\d{1,9})([.)])(?=\s|$)"), lambda match: f"{match[1]}&#{ord(match[2])};"),
    (re.compile(r"^ "), "&#32;"),
)
# Control characters, and those that reorder or hide text on the reader's screen (Unicode's
# Bidi_Control, Default_Ignorable): shown by number. Line ends are shown as one sign.
_LINE_END = re.compile("\r\n|[\n\r\v\f\u0085\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a comment that opens on a click.

    Attributes:
        title: A few words, as the stack's name; escaped.
        summary: One line that is seen when it is closed; escaped.
        body: Markdown, its values escaped; empty for a line that has nothing to open.
    """

    title: str
    summary: str
    body: str = ""


def escape(text: object, limit: int = VALUE_LIMIT) -> str:
    """Return a value as text that stays one inline text wherever Markdown or HTML shows it.

    It can end no table cell, code, link or tag, mentions nobody, refers to nothing, and is
    one line: line ends show as a sign, what can't be seen by its number. Inside a fence or
    backticks entities are not decoded: use `code` instead of those.

    Args:
        text: The value.
        limit: Characters of it that are shown; how many are left out is said.
    """
    content = str(text)
    escaped = _LINE_END.sub(" ⏎ ", content[:limit]).replace("\t", " ")
    escaped = _UNSEEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", escaped).translate(_MARKUP)
    for pattern, text_only in _SOMETIMES:
        escaped = pattern.sub(text_only, escaped)
    left = len(content) - limit
    return escaped if left <= 0 else f"{escaped}… ({left:,} more characters)"


def code(text: object, limit: int = VALUE_LIMIT) -> str:
    """Return a value in the type of code; see `escape`."""
    return f"<code>{escape(text, limit)}</code>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; columns and cells are inline Markdown, escaped already."""
    lines = (columns, ["---"] * len(columns), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def document(sections: Sequence[Section], marker: str, limit: int = LIMIT, more: str = "") -> str:
    """Return a comment's Markdown, no longer than the limit and never cut within a line.

    What is too long opens no more: first bodies that can't fit by themselves, then bodies
    from the bottom up, then whole sections from the bottom up. A last line says so.

    Args:
        sections: The most important first.
        marker: The first line: the hidden comment that finds this text again.
        limit: Characters.
        more: URL of the whole report, which the last line links to.
    """
    rendered = [_rendered(section) for section in sections]
    text = _joined(marker, rendered)
    if len(text) <= limit:
        return text
    bare = [_rendered(replace(section, body="")) for section in sections]
    # The last line is reckoned at its longest.
    room = limit - len(_joined(marker, ["", _left_out(len(bare), len(bare), more)]))
    count = len(bare)
    length = sum(len(body) + len(_BETWEEN) for body in bare)
    extra = [len(full) - len(other) for full, other in zip(rendered, bare, strict=True)]
    closed = {at for at, more_of in enumerate(extra) if more_of and length + more_of > room}
    length += sum(more_of for at, more_of in enumerate(extra) if at not in closed)
    for at in reversed(range(len(bare))):
        if length > room and extra[at] and at not in closed:
            closed.add(at)
            length -= extra[at]
    while count and length > room:
        count -= 1
        length -= len(bare[count]) + len(_BETWEEN)
    chosen = [bare[at] if at in closed else rendered[at] for at in range(count)]
    return _joined(marker, [*chosen, _left_out(len(closed), len(bare) - count, more)])


def fit(text: str, marker: str, limit: int = LIMIT, more: str = "") -> str:
    """Return a ready Markdown text as a comment's, no longer than the limit.

    It is cut at a blank line outside of fences and of what opens, so that nothing of it
    stays open; a last line says so.

    Args:
        text: Of our own making: nothing in it is escaped.
        marker: The first line.
        limit: Characters.
        more: URL of the whole text, which the last line links to.
    """
    joined = _joined(marker, [text.strip()])
    if len(joined) <= limit:
        return joined
    where = f"[the whole report]({more})" if more else "the whole report"
    last = f"Too long for a comment: see {where} for the rest."
    room = limit - len(_joined(marker, ["", last]))
    length, cut, depth, fenced = 0, 0, 0, ""
    lines = text.strip().splitlines()
    for at, line in enumerate(lines):
        if length > room:
            break
        if not line.strip() and not depth and not fenced:
            cut = at
        fence = _FENCE.match(line)
        if fence and not fenced:
            fenced = fence[1]
        elif fence and fence[1].startswith(fenced):
            fenced = ""
        elif not fenced:
            depth += line.count("<details") - line.count("</details")
        length += len(line) + 1
    return _joined(marker, filter(None, ["\n".join(lines[:cut]), last]))


def _joined(marker: str, parts: Iterable[str]) -> str:
    return _BETWEEN.join((marker, *parts)) + "\n"


def _rendered(section: Section) -> str:
    headline = f"<b>{section.title}</b>: {section.summary}"
    if not section.body:
        return headline
    # The blank lines let the body be Markdown inside the HTML.
    opening = f"<details><summary>{headline}</summary>"
    return f"{opening}\n\n{section.body.strip()}\n\n</details>"


def _left_out(closed: int, dropped: int, more: str) -> str:
    """Return the line that says what a comment has no room for."""
    parts = []
    if closed:
        parts.append(f"the details of {_counted(closed)}")
    if dropped:
        parts.append(_counted(dropped))
    where = f"[the whole report]({more})" if more else "the whole report"
    return f"Too long for a comment: see {where} for {' and for '.join(parts)}."


def _counted(sections: int) -> str:
    return f"{sections} section{'' if sections == 1 else 's'}"
