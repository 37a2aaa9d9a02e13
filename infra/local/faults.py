"""Faults on demand: which request is refused or late, which operation fails, hangs or is slow.

A rule lasts until it is cleared or the server ends. The same seed, the same rules in the same
order and the same sequence of requests meet the same faults: a request is decided by its
number among those that match, an operation by its number among those of its type on its
instance, since operations on several instances begin in no certain order.
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from infra.local.engine.process import Runner
from infra.local.errors import EngineError
from infra.local.model import Operation

_POLL_S = 0.05
DEFAULT_CODE = "INTERNAL_ERROR"
DEFAULT_MESSAGE = "An unknown error occurred."


class Kind(StrEnum):
    """What a rule does."""

    UNAVAILABLE = "unavailable"
    RATE_LIMIT = "rate-limit"
    BUSY = "busy"
    SLOW = "slow"
    OPERATION_FAILS = "operation-fails"
    OPERATION_HANGS = "operation-hangs"
    OPERATION_SLOW = "operation-slow"


REFUSALS = (Kind.UNAVAILABLE, Kind.RATE_LIMIT, Kind.BUSY)
OPERATIONS = (Kind.OPERATION_FAILS, Kind.OPERATION_HANGS, Kind.OPERATION_SLOW)


class InjectedError(EngineError):
    """An operation fails because a rule says so."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault that waits for what it matches.

    Attributes:
        id: Counted from 1 since the last time that all were cleared.
        kind: What it does.
        match: A pattern, as ``instances.*``: of the method's name, or the operation's type.
        instance: Name of the instance; empty for any.
        share: How many of those that match it meets, 0 to 1.
        count: How many it meets at most; None for no end.
        seconds: How late an answer or an operation is, or what Retry-After says.
        code: The failed operation's code.
        message: Its message.
        seed: Decides which of those that match a share meets.
        hits: How many it has met.
    """

    id: int
    kind: Kind
    match: str = "*"
    instance: str = ""
    share: float = 1.0
    count: int | None = None
    seconds: float = 1.0
    code: str = DEFAULT_CODE
    message: str = DEFAULT_MESSAGE
    seed: int = 0
    hits: int = 0

    def fits(self, name: str, instance: str) -> bool:
        """Whether it is about a method or an operation."""
        left = self.count is None or self.hits < self.count
        return left and fnmatchcase(name, self.match) and self.instance in ("", instance)

    def falls(self, turn: object) -> bool:
        """Whether its share meets this turn."""
        number = random.Random(f"{self.seed}:{self.id}:{turn}").random()  # noqa: S311 - no secret
        return number < self.share


class Faults:
    """The rules in force; safe to use from several threads."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._numbers = 0
        self._turns: Counter[tuple[object, ...]] = Counter()
        self._lock = threading.Lock()

    def number(self) -> int:
        """Return the next fault's id."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def add(self, rule: Rule) -> None:
        """Put a rule in force."""
        with self._lock:
            self._rules[rule.id] = rule

    def clear(self, rule_id: int | None = None) -> None:
        """Lift one rule, or all of them; what hangs goes on."""
        with self._lock:
            if rule_id is not None:
                self._rules.pop(rule_id, None)
                return
            self._rules.clear()
            self._turns.clear()
            self._numbers = 0

    def active(self) -> tuple[Rule, ...]:
        """Return the rules in force."""
        with self._lock:
            return tuple(self._rules.values())

    def of_request(self, method: str, instance: str) -> tuple[Rule, ...]:
        """Return what a request meets: delays, then at most one refusal."""
        rules: list[Rule] = []
        with self._lock:
            for rule in tuple(self._rules.values()):
                if rule.kind not in OPERATIONS and self._meets(rule, method, instance):
                    rules.append(rule)
                    if rule.kind in REFUSALS:
                        break
        return tuple(rules)

    def meet(self, operation: Operation, runner: Runner) -> None:
        """Let an operation that begins hang, be slow or fail, where a rule says so.

        Raises:
            InjectedError: It fails.
            StoppingError: The server stops meanwhile.
        """
        for rule in self._of_operation(operation):
            if rule.kind is Kind.OPERATION_FAILS:
                raise InjectedError(rule.code, rule.message)
            until = time.monotonic() + rule.seconds
            while self._is_active(rule):
                if rule.kind is Kind.OPERATION_SLOW and time.monotonic() >= until:
                    break
                runner.pause(_POLL_S)

    def _of_operation(self, operation: Operation) -> tuple[Rule, ...]:
        key = (operation.type.value, operation.project, operation.target)
        with self._lock:
            self._turns[key] += 1
            turn = (*key, self._turns[key])
            return tuple(
                rule
                for rule in tuple(self._rules.values())
                if rule.kind in OPERATIONS
                and self._meets(rule, operation.type.value, operation.target, turn)
            )

    def _meets(self, rule: Rule, name: str, instance: str, turn: tuple[object, ...] = ()) -> bool:
        if not rule.fits(name, instance):
            return False
        if not turn:
            self._turns[rule.id,] += 1
            turn = (self._turns[rule.id,],)
        if not rule.falls(turn):
            return False
        self._rules[rule.id] = replace(rule, hits=rule.hits + 1)
        return True

    def _is_active(self, rule: Rule) -> bool:
        with self._lock:
            return rule.id in self._rules
