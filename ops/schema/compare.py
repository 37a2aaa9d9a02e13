"""Compares what two databases answered: pure, no connection."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ops.checks.outcomes import Outcome, Words, of_trouble, result
from ops.checks.result import CheckResult, Finding, Level, ObjectId, State
from ops.checks.trouble import Trouble
from ops.schema import definitions, sequences
from ops.schema.catalogs import Rows
from ops.schema.content import Content
from ops.schema.definitions import Answer
from ops.schema.proven import Expected, Proven
from ops.schema.sequences import Reach
from ops.schema.tablecontent import Sum

HASH = (
    "sum of hashtextextended(hash_record_extended(row, 0)::text, seed) over all rows, columns of "
    "hashed_as_text as format('%s') shows them (xml as text); the seed is 0, or the row's xmin "
    "where stretch_pages is not 0"
)
_WRONG, _UNKNOWN = "are not as on the source", "could not be compared"
_CLIP = 160  # characters of a definition that a difference shows
_SHOWN_RANGES = 3  # of pages that differ


def answers(
    question: str,
    source: Answer | Trouble,
    copy: Answer | Trouble,
    moving: frozenset[str] = frozenset(),
    rows: Rows = Rows.UNKNOWN,
) -> CheckResult:
    """Compare the answers to one question.

    Args:
        question: its name.
        source: what the source answered.
        copy: what the copy answers.
        moving: objects whose answer changed while the source was asked.
        rows: how the rows of the system catalogs stand. Where they are as at the marker, an
            object that looks otherwise was only printed at another time: PostgreSQL prints
            definitions of now, whatever the snapshot. Where all that differs was changed around
            the marker, so was such an object.
    """
    by_rows = rows is Rows.ALIKE and question in definitions.OF_CATALOGS
    if isinstance(copy, Trouble):
        return copy.result(question, 0 if isinstance(source, Trouble) else len(source))
    if isinstance(source, Trouble):
        return _by_rows(question, copy, {}) if by_rows else source.result(question, 0)
    if by_rows:
        return _by_rows(question, copy, source)
    if rows is Rows.MOVED and question not in definitions.OF_OTHERS:
        moving |= definitions.differing(source, copy)
    different = tuple(_differences(question, source, copy, moving))
    hidden = {name for name in source if source[name].endswith(definitions.UNSEEN)} - moving
    still = [name for name in source if name not in moving and name not in hidden]
    words = question.replace("_", " ")
    secret = definitions.not_seen(question, source)
    facts = {"not_seen": secret} if secret else {}
    if different:
        new = len(copy.keys() - source.keys() - moving)
        known, total = len(still) + new, len(source) + new
        detail = f"{len(different)} of {total} {words} differ from the source at the marker"
        return CheckResult(question, State.FINDING, known, total, detail, different, facts)
    if moving or hidden:
        unknown = ((moving, "changed while they were read"), (hidden, "may not be read"))
        total = len(source.keys() | moving)
        unproven = "; ".join(
            f"{len(names)} of {total} {words} {why}" for names, why in unknown if names
        )
        remedy = "Drill again when nobody changes objects."
        if hidden:
            remedy = f"sql/schema/{question}.sql says which privilege it needs."
        unseen = tuple(
            Finding(ObjectId(question, name), Level.UNKNOWN) for name in sorted(moving | hidden)
        )
        known = len(still)
        return CheckResult(question, State.UNKNOWN, known, total, unproven, unseen, facts, remedy)
    detail = f"all {len(source)} {words} are as at the marker"
    if secret:
        detail = f"{detail}; {secret} are not seen"
    if not source:
        detail = f"there are no {words}"
    return CheckResult(question, State.OK, len(source), len(source), detail, (), facts)


def _by_rows(question: str, copy: Answer, source: Answer) -> CheckResult:
    """Return that all is well, and how many objects that rests on their rows alone for."""
    words = question.replace("_", " ")
    other = sorted(definitions.differing(source, copy) & copy.keys())
    detail = f"all {len(copy)} {words} are as at the marker"
    if other:
        detail += f": {len(other)} changed before or after it, their rows in the catalogs did not"
    if not copy:
        detail = f"there are no {words}"
    facts = {"by_catalog_rows": other} if other else {}
    return CheckResult(question, State.OK, len(copy), len(copy), detail, (), facts)


def _differences(
    question: str, source: Answer, copy: Answer, moving: frozenset[str]
) -> Iterator[Finding]:
    for name in sorted(definitions.differing(source, copy) - moving):
        message = f"{_clip(copy.get(name, ''))}; the source has {_clip(source.get(name, ''))}"
        if name not in copy:
            message = "lost"
        elif name not in source:
            message = "not on the source"
        yield Finding(ObjectId(question, name), Level.FINDING, message)


def _clip(text: str) -> str:
    return text if len(text) <= _CLIP else f"{text[: _CLIP - 3]}..."


def counts(expected: Expected, copy: Mapping[str, Content]) -> CheckResult:
    """Compare how many rows every table has."""
    outcomes = {
        want.shape.object: _count(want, copy.get(label)) for label, want in expected.tables.items()
    }
    rows = sum(content.rows for content in copy.values())
    return _of_tables("counts", outcomes, f"{rows} rows in {len(outcomes)} tables", expected)


def _count(want: Proven, have: Content | None) -> Outcome:
    if have is None or want.trouble is not None:
        return _why(want.trouble)
    if have.trouble is not None:
        return of_trouble(have.trouble)
    low = sum(stretch.rows for stretch in want.sums.values())
    proven = sum(stretch.rows for key, stretch in have.sums.items() if key not in _open(want, have))
    if proven != low:
        return Outcome(State.FINDING, f"{proven} rows; the source had {low}")
    return Outcome(State.OK)


def contents(expected: Expected, copy: Mapping[str, Content]) -> CheckResult:
    """Compare the content of every table, row for row, by its hashes."""
    outcomes = {
        want.shape.object: _content(want, copy.get(label))
        for label, want in expected.tables.items()
    }
    rows = sum(want.rows for want in expected.tables.values())
    moving = sum(want.moving_rows for want in expected.tables.values())
    share = f", {moving / rows:.1%} of the rows moving" if moving else ""
    method = "exactly" if expected.exact else "in what was equal before and after"
    checked = _of_tables(
        "content", outcomes, f"{rows} rows compared {method} as of the marker{share}", expected
    )
    if expected.left_out:
        left = ", ".join(f"{len(labels)} {why}" for why, labels in expected.left_out.items())
        words = f"{checked.detail}; on purpose not compared: {left} tables"
        checked = replace(checked, detail=words)
    left_out = {"not_compared": expected.left_out}
    tables = {label: _facts(want, copy.get(label)) for label, want in expected.tables.items()}
    return replace(
        checked, evidence={**checked.evidence, "hash": HASH, **left_out, "tables": tables}
    )


def _facts(want: Proven, have: Content | None) -> dict[str, object]:
    """Return what was compared of a table, so that the comparison can be done again."""
    moving = _open(want, have) if have is not None else want.moving
    return {
        "stretch_pages": want.shape.stretch_pages,
        "hashed_as_text": [column.name for column in want.shape.columns if not column.exact],
        "source": None if want.trouble else _summed(want.sums, frozenset()),
        "clone": None if have is None or have.trouble else _summed(have.sums, moving),
        "stretches_not_compared": len(moving),
    }


def _summed(sums: Mapping[int, Sum], without: frozenset[int]) -> dict[str, object]:
    compared = [stretch for key, stretch in sums.items() if key not in without]
    return {
        "rows": sum(stretch.rows for stretch in compared),
        "hash": str(sum(int(stretch.digest) for stretch in compared)),
    }


def _content(want: Proven, have: Content | None) -> Outcome:
    if have is None or want.trouble is not None:
        return _why(want.trouble)
    if have.trouble is not None:
        return of_trouble(have.trouble)
    unproven = _open(want, have)
    wrong = differing(want, have)
    if wrong:
        return Outcome(State.FINDING, f"its rows are not those of the source{_where(want, have)}")
    if unproven and not want.sums:
        words = "all of it changed around the marker: nothing was proven"
        return Outcome(State.UNKNOWN, words, "Drill again in a quieter hour.")
    return Outcome(State.OK)


def differing(want: Proven, have: Content) -> tuple[int, ...]:
    """Return the stretches that are not what was proven, in order."""
    known = (want.sums.keys() | have.sums.keys()) - _open(want, have)
    return tuple(sorted(key for key in known if want.sums.get(key) != have.sums.get(key)))


def _where(want: Proven, have: Content) -> str:
    """Return which pages differ and what they hold, where the table was read in stretches."""
    size, wrong = want.shape.stretch_pages, differing(want, have)
    if not size or not wrong:
        return ""
    ranges = [_pages(first, last, size) for first, last in _runs(wrong)]
    more = f" and {len(ranges) - _SHOWN_RANGES} more" if len(ranges) > _SHOWN_RANGES else ""
    total = len(want.sums.keys() | have.sums.keys())
    source, copy = (
        sum(sums[key].rows for key in wrong if key in sums) for sums in (want.sums, have.sums)
    )
    return (
        f", in {len(wrong)} of {total} stretches: {', '.join(ranges[:_SHOWN_RANGES])}{more} "
        f"({source} rows there on the source, {copy} on the copy)"
    )


def _runs(keys: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of every run of neighbours in sorted numbers."""
    first = last = None
    for key in keys:
        if first is None or last is None:
            first = key
        elif key != last + 1:
            yield first, last
            first = key
        last = key
    if first is not None and last is not None:
        yield first, last


def _pages(first: int, last: int, size: int) -> str:
    start, end = first * size, (last + 1) * size - 1
    return f"page {start}" if start == end else f"pages {start}-{end}"


def located(checked: CheckResult, places: Mapping[str, tuple[Proven, Content]]) -> CheckResult:
    """Add to a finding which pages of each table differ.

    Args:
        checked: the check of the content.
        places: of a table, what the source holds now and what the copy does, in stretches.
    """
    where = {
        want.shape.object: _where(want, have)
        for want, have in places.values()
        if not (want.trouble or have.trouble)
    }
    findings = tuple(
        replace(finding, message=f"{finding.message}{where[finding.object]}, as the source is now")
        if where.get(finding.object)
        else finding
        for finding in checked.findings
    )
    return replace(checked, findings=findings)


def _open(want: Proven, have: Content) -> frozenset[int]:
    """Return the stretches of which nothing is known: moving, or new pages of a moving table."""
    if not want.moving:
        return frozenset()
    return want.moving | (have.sums.keys() - want.sums.keys())


def _why(trouble: Trouble | None) -> Outcome:
    if trouble is None:
        return Outcome(State.UNKNOWN, "the copy's was not read")
    return of_trouble(trouble.on_source())


def reach(
    before: Mapping[str, Reach],
    after: Mapping[str, Reach],
    copy: Mapping[str, Reach] | Trouble,
    now: Mapping[str, Reach] | None = None,
) -> CheckResult:
    """Compare how far the sequences are: never behind, ahead by no more than WAL allows.

    Args:
        before: what the source had before the marker.
        after: what it had after the marker.
        copy: what the clone has.
        now: what the source has since; one that is set all the time can't be compared.
    """
    if isinstance(copy, Trouble):
        return copy.result(sequences.CHECK, len(before))
    outcomes = {
        ObjectId("sequence", name): _reach(
            (reach, after[name], *([now[name]] if now and name in now else [])), copy[name]
        )
        for name, reach in before.items()
        if name in after and name in copy  # a lost one is told of by the definitions
    }
    words = f"all {len(outcomes)} sequences are where they were"
    return result(sequences.CHECK, outcomes, Words(words, _WRONG, _UNKNOWN))


def _reach(source: Sequence[Reach], copy: Reach) -> Outcome:
    before, after = source[:2]
    if not (before.readable and copy.readable):
        return Outcome(State.UNKNOWN, "may not be read: grant USAGE")
    if any(sequences.set_anew(earlier, later) for earlier, later in pairwise(source)):
        remedy = "Drill again when nobody restarts sequences."
        return Outcome(State.UNKNOWN, "was restarted or set back around the marker", remedy)
    fault = sequences.fault(before, after, copy)
    return Outcome(State.FINDING, fault) if fault else Outcome(State.OK)


def _of_tables(
    check: str, outcomes: Mapping[ObjectId, Outcome], words: str, expected: Expected
) -> CheckResult:
    facts = {
        "method": "exact" if expected.exact else "sandwich",
        "rows": sum(want.rows for want in expected.tables.values()),
        "moving_rows": sum(want.moving_rows for want in expected.tables.values()),
    }
    return result(check, outcomes, Words(words, _WRONG, _UNKNOWN), facts)
