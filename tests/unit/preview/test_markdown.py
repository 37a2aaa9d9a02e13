"""Values in a pull request's comment, read as GitHub's reader would: by a CommonMark parser."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from infra.preview.markdown import LIMIT, Section, code, document, escape, fit, table

GAP = "\u200b"
MARKER = "<!-- marker -->"
HOSTILE = [
    "`x` ``` y",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</details></summary></code></td>-->",
    "a | b | c",
    "@octocat @org/team mail me@example.com",
    "#123 owner/repo#9 GH-7 closes #1",
    "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example ftp://evil.example",
    "**bold** _em_ ~~gone~~ $x$ :tada:",
    "trailing backslash \\",
    "&amp; &lt;b&gt; &#64;octocat",
    "{{ x }} ${{ secrets.GITHUB_TOKEN }}",
    "--- | ---",
    "- item",
    "1. item",
    "1) item",
    "+ item",
    "===",
    "---",
    "-",
    "_a_ a_b __c__ work_mem _",
    "a:100:b :+1: 17:00-21:00",
    "    indented",
]


class Reader(HTMLParser):
    """Collects the text and the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.cells = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base's
        self.tags.append(tag)
        self.cells += tag == "td"

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markdown: str) -> Reader:
    reader = Reader()
    reader.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))
    reader.close()
    return reader


@pytest.mark.parametrize("value", HOSTILE)
def test_value_stays_text_in_a_cell(value: str) -> None:
    page = read(table(("a", "b"), [(escape(value), "end")]))
    assert page.cells == 2
    assert set(page.tags) == {"table", "thead", "tbody", "tr", "th", "td"}
    assert value.strip() in page.text.replace(GAP, "")


@pytest.mark.parametrize("value", HOSTILE)
def test_value_stays_text_in_a_line(value: str) -> None:
    page = read(f"{escape(value)}\nend")
    assert page.tags == ["p"]
    assert value.strip() in page.text.replace(GAP, "")


@pytest.mark.parametrize("value", HOSTILE)
def test_value_stays_text_in_html_and_in_code(value: str) -> None:
    section = Section(escape(value), code(value), f"- {code(value)}")
    page = read(document([section], MARKER))
    assert page.tags == ["details", "summary", "b", "code", "ul", "li", "code"]
    assert page.text.replace(GAP, "").count(value) == 3


@pytest.mark.parametrize(
    ("value", "alive"),
    [
        ("@octocat", r"@\w"),
        ("a@example.com", r"@\w"),
        ("#123", r"#\d"),
        ("GH-12", r"GH-\d"),
        ("gh-12", r"gh-\d"),
        (":tada:", r":\w+:"),
        (":100:", r":\w+:"),
        ("https://evil.example", r":/"),
    ],
)
def test_nothing_is_mentioned_or_linked(value: str, alive: str) -> None:
    assert re.search(alive, value)
    assert not re.search(alive, read(escape(value)).text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u0085", "\v"])
def test_value_is_one_line(end: str) -> None:
    assert escape(f"a{end}{end}# b") == "a ⏎  ⏎ &#35; b"


def test_what_cannot_be_seen_is_shown() -> None:
    assert escape("a\u202eb\x00c\ufeff") == "a&#91;U+202E&#93;b&#91;U+0000&#93;c&#91;U+FEFF&#93;"


def test_plain_text_stays_readable() -> None:
    for plain in ("work_mem 8 MB (8192)", "17:00-21:00 UTC", "-17.00", "120.60", "a, b; c!", '"x"'):
        assert escape(plain) == plain


def test_long_value_says_how_long_it_is() -> None:
    shown = escape("x" * 100_000)
    assert shown == "x" * 500 + "… (99,500 more characters)"
    assert escape("é" * 500) == "é" * 500


@given(st.text(max_size=40))
def test_any_value_stays_one_cell(value: str) -> None:
    shown = escape(value)
    assert shown.splitlines() in ([], [shown])
    page = read(table(("a", "b"), [(f"x{shown}x", "end")]))
    assert page.cells == 2
    assert set(page.tags) == {"table", "thead", "tbody", "tr", "th", "td"}


def section(name: str, characters: int) -> Section:
    line = f"- {name} " + "x" * 80
    return Section(name, f"{characters} characters", "\n".join([line] * (characters // len(line))))


def test_short_comment_is_whole() -> None:
    text = document([section("one", 900), Section("two", "no change")], MARKER)
    assert text.startswith(f"{MARKER}\n\n<details><summary><b>one</b>: 900 characters</summary>")
    assert text.endswith("</details>\n\n<b>two</b>: no change\n")
    assert "Too long" not in text


def test_details_go_from_the_bottom_up() -> None:
    parts = [section(name, 30_000) for name in ("one", "two", "three")]
    text = document(parts, MARKER, more="https://example.com/run")
    assert len(text) <= LIMIT
    assert text.count("<details>") == text.count("</details>") == 2
    assert "\n\n<b>three</b>: 30000 characters\n\n" in text
    assert text.splitlines()[-1] == (
        "Too long for a comment: see [the whole report](https://example.com/run)"
        " for the details of 1 section."
    )
    lines = set(document(parts, MARKER, limit=10**6).splitlines())
    assert set(text.splitlines()[:-1]) - lines == {"<b>three</b>: 30000 characters"}


def test_one_huge_part_does_not_take_the_others_along() -> None:
    text = document([section("one", 90_000), section("two", 900)], MARKER)
    assert "<b>one</b>: 90000 characters\n" in text
    assert "<details><summary><b>two</b>" in text
    assert text.endswith("see the whole report for the details of 1 section.\n")


def test_headlines_go_last() -> None:
    parts = [Section(f"stack {number}", "y" * 200, "details") for number in range(1000)]
    text = document(parts, MARKER)
    assert LIMIT - 600 < len(text) <= LIMIT
    assert text.startswith(f"{MARKER}\n\n<b>stack 0</b>: ")
    assert re.search(r"details of 1000 sections and for \d+ sections", text)


def test_ready_text_is_cut_where_nothing_is_open() -> None:
    part = "<details><summary>s</summary>\n\n| a |\n| - |\n| 1 |\n\n```\n\n```\n\n</details>"
    whole = "\n\n".join(["# Title", *[part] * 40])
    assert fit(whole, MARKER) == f"{MARKER}\n\n{whole}\n"
    for limit in range(150, 1200, 7):
        text = fit(whole, MARKER, limit, "https://example.com/run")
        assert len(text) <= limit
        assert text.count("<details>") == text.count("</details>")
        assert text.count("```") % 2 == 0
        assert text.endswith("see [the whole report](https://example.com/run) for the rest.\n")
    assert "</details>" in text


def test_no_limit_is_too_small_for_the_marker() -> None:
    text = document([section("one", 900)], MARKER, limit=300)
    assert text.startswith(MARKER)
    assert len(text) <= 300
