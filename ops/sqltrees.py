"""Calls of the parser, safe at any depth: SQL text to words and to libpg_query's trees.

Three limits are not PostgreSQL's, and are lifted here. The C code that writes a tree down is
recursive and has no limit of its own: the process would end, so it gets a stack as large as the
text can need. protobuf's decoder refuses more than 100 levels: deeper trees are decoded
level by level. Once pulumi is imported it refuses none and recurses as well
(SetAllowOversizeProtos, for the whole process), so it gets the same stack. And C strings end at
a NUL byte: text that holds one never comes here.
"""

import ctypes
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import postgast
from google.protobuf.message import (  # type: ignore[import-untyped] # it ships no types
    DecodeError,
    Message,
)
from postgast import pg_query_pb2 as pb
from postgast.errors import check_error
from postgast.native import lib

# Bytes of C stack for a level of nesting. Measured for 26 kinds of nesting: at most 1,170.
_LEVEL_BYTES = 2_048
_PLAIN_LEVELS = 1_000  # what the stack of any thread has room for
# As nesting() counts. PostgreSQL's own limit at its default max_stack_depth of 2 MB was met at
# 22,000 or below; the most that a usual stack of 8 MB allows is below four times that.
_MOST_LEVELS = 80_000
_SHALLOW_BYTES = 200  # 100 levels take two bytes each: what is shorter can't be deeper

_OPENING = frozenset({pb.ASCII_40, pb.ASCII_91, pb.CASE})  # ( [ CASE
_CLOSING = frozenset({pb.ASCII_41, pb.ASCII_93, pb.END_P})  # ) ] END
_SEMICOLON = pb.ASCII_59
# The parser makes one list of a chain of AND or OR, as of what commas separate.
_SEPARATORS = frozenset({pb.ASCII_44, _SEMICOLON, pb.AND, pb.OR, pb.WHEN, pb.THEN, pb.ELSE})
# These chains go on past the separators of the lists in them.
_LONG_CHAINS = frozenset({pb.UNION, pb.EXCEPT, pb.INTERSECT, pb.JOIN})
# Words that nest nothing: names, constants, dots.
_FLAT = frozenset(
    {
        pb.IDENT,
        pb.UIDENT,
        pb.SCONST,
        pb.USCONST,
        pb.ICONST,
        pb.FCONST,
        pb.BCONST,
        pb.XCONST,
        pb.PARAM,
        pb.ASCII_46,
        pb.SQL_COMMENT,
        pb.C_COMMENT,
    }
)


class TooDeepError(Exception):
    """A statement is nested more deeply than PostgreSQL accepts, or than memory allows."""


def parse_statements(text: str, words: Sequence[pb.ScanToken]) -> Sequence[pb.RawStmt]:
    """Return the trees of the text's statements.

    Args:
        text: holds no NUL byte.
        words: its words, as the scanner gives them.

    Raises:
        postgast.PgQueryError: PostgreSQL's grammar refuses it.
        TooDeepError: a statement is nested too deeply.
    """
    levels = 0 if len(words) <= _PLAIN_LEVELS else nesting(words)
    if levels > _MOST_LEVELS:
        raise TooDeepError
    return tuple(_with_stack(levels, lambda: _parsed(text)).stmts)


def _parsed(text: str) -> pb.ParseResult:
    data = _encoded(text)
    try:
        return pb.ParseResult.FromString(data)
    except DecodeError:
        return _decoded(data)


def nesting(words: Iterable[pb.ScanToken]) -> int:
    """Return how many levels the trees of a text can have at most, judged by its words.

    The words of one element of a list nest below each other, whichever way they associate,
    and what is in parentheses nests below all of them.
    """
    deepest = 0
    levels = [_Level()]
    for word in words:
        kind, level = word.token, levels[-1]
        if kind in _FLAT:
            continue
        if kind in _OPENING:
            levels.append(_Level())
        elif kind in _CLOSING and len(levels) > 1:
            inner = levels.pop().depth() + 1
            levels[-1].below = max(levels[-1].below, inner)
        elif kind == _SEMICOLON and len(levels) == 1:
            deepest = max(deepest, level.depth())
            levels = [_Level()]
        elif kind in _SEPARATORS:
            level.end_element()
        elif kind in _LONG_CHAINS:
            level.long_chain += 1
        else:
            level.chain += 1
    return max(deepest, sum(level.depth() + 1 for level in levels))


class _Level:
    """What nests between two parentheses."""

    __slots__ = ("below", "chain", "elements", "long_chain")

    def __init__(self) -> None:
        self.below = self.chain = self.elements = self.long_chain = 0

    def end_element(self) -> None:
        self.elements = max(self.elements, self.chain + self.below)
        self.chain = self.below = 0

    def depth(self) -> int:
        return self.long_chain + max(self.elements, self.chain + self.below)


def walk(node: Message) -> Iterator[Message]:
    """Return every message of a tree in the order of its text, without its wrappers."""
    pending = [node]
    while pending:
        message = pending.pop()
        if isinstance(message, pb.Node) and (kind := message.WhichOneof("node")):
            pending.append(getattr(message, kind))
            continue
        yield message
        pending.extend(reversed(list(_children(message))))


def _children(message: Message) -> Iterator[Message]:
    for field, content in message.ListFields():
        if field.message_type is not None:
            yield from content if field.is_repeated else (content,)


def _encoded(text: str) -> bytes:
    """Return the parser's own encoding of the trees."""
    result = lib.pg_query_parse_protobuf(text.encode())
    try:
        check_error(result)
        return ctypes.string_at(result.parse_tree.data, result.parse_tree.len)
    finally:
        lib.pg_query_free_protobuf_parse_result(result)


_stack_size = threading.Lock()  # threading.stack_size is the process's, not a thread's


def _with_stack(levels: int, call: Callable[[], pb.ParseResult]) -> pb.ParseResult:
    """Call with a stack that has room for so many levels."""
    if levels <= _PLAIN_LEVELS:
        return call()
    size = levels * _LEVEL_BYTES + (1 << 20)
    results: list[pb.ParseResult] = []
    failures: list[postgast.PgQueryError] = []

    def run() -> None:
        try:
            results.append(call())
        except postgast.PgQueryError as error:
            failures.append(error)

    with _stack_size:
        before = threading.stack_size(size // 4096 * 4096)
        try:
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
        except RuntimeError:  # no memory for such a stack
            raise TooDeepError from None
        finally:
            threading.stack_size(before)
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def _decoded(data: bytes) -> pb.ParseResult:
    """Return the trees of statements of which at least one is too deep for protobuf's decoder."""
    result = pb.ParseResult()
    for message, part in _fill(result, memoryview(data)):
        try:
            message.MergeFromString(bytes(part))
        except DecodeError:
            message.Clear()
            _decode_deep(message, part)
    return result


def _decode_deep(message: Message, data: memoryview) -> None:
    pending = [(message, data)]
    while pending:
        target, part = pending.pop()
        for child, inner in _fill(target, part):
            if len(inner) <= _SHALLOW_BYTES:
                child.MergeFromString(bytes(inner))
            else:
                pending.append((child, inner))


def _fill(message: Message, data: memoryview) -> Iterator[tuple[Message, memoryview]]:
    """Decode a message's own values, and return the empty messages below it with their data.

    The encoding: https://protobuf.dev/programming-guides/encoding
    """
    fields = message.DESCRIPTOR.fields_by_number
    own = bytearray()
    place = 0
    while place < len(data):
        start = place
        key, place = _number(data, place)
        length = 0
        if key & 7 == 0:
            _, place = _number(data, place)
        elif key & 7 == 2:  # noqa: PLR2004 - the encoding's number of "has a length"
            length, place = _number(data, place)
        else:
            length = 8 if key & 7 == 1 else 4
        field = fields[key >> 3]
        place += length
        if field.message_type is None:
            own += data[start:place]
            continue
        child = getattr(message, field.name)
        if field.is_repeated:
            child = child.add()
        else:
            child.SetInParent()
        yield child, data[place - length : place]
    message.MergeFromString(bytes(own))


def _number(data: memoryview, place: int) -> tuple[int, int]:
    """Return the number that is encoded at a place, and the place behind it."""
    number = shift = 0
    while True:
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says another byte follows
            return number, place
        shift += 7
