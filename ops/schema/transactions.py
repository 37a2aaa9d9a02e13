"""Transactions by their numbers: which have finished, and which may have in between."""

from dataclasses import dataclass

EPOCH = 1 << 32  # numbers of transactions, until the 32 bits that rows hold begin anew


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions have finished, as ``pg_current_snapshot()`` says it."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> "Snapshot":
        """Return the snapshot of ``xmin:xmax:list``."""
        xmin, xmax, running = text.split(":")
        return cls(
            int(xmin),
            int(xmax),
            frozenset(int(transaction) for transaction in running.split(",") if transaction),
        )

    def finished_since(self, earlier: "Snapshot") -> frozenset[int]:
        """Return the transactions that finished after an earlier snapshot."""
        started = frozenset(range(earlier.xmax, self.xmax)) | earlier.running
        return started - self.running

    def unseen_before(self, number: int) -> frozenset[int]:
        """Return the transactions below a number that had not finished here."""
        started = self.running | frozenset(range(self.xmax, number))
        return frozenset(transaction for transaction in started if transaction < number)


@dataclass(frozen=True, slots=True)
class Window:
    """Transactions that may have finished between a snapshot and the marker after it.

    Subtransactions are among them. None is as young as the marker's own: a clone's own
    transactions get the numbers behind that, which the source gave to others.

    Attributes:
        begin, end: the first number, and the one behind the last, in 64 bits.
    """

    begin: int = 0
    end: int = 0

    def __contains__(self, short: int) -> bool:
        """Tell whether a row's 32-bit number is one of them."""
        return (short - self.begin) % EPOCH < self.end - self.begin
