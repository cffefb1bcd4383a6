"""What came of a piece of work: built partitions, and troubles with one name each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aps_pipeline.api import ApsError
from aps_pipeline.api.errors import ParameterError
from aps_pipeline.errors import Exit, FailureKind
from aps_pipeline.ledger import DriftEvent
from aps_pipeline.parse import RefusedError
from aps_pipeline.periods import Period
from aps_pipeline.planning import Rest, SkipReason
from aps_pipeline.request import Request
from aps_pipeline.tables import Table


class UnknownSystemError(RefusedError):
    """A system that the API does not know, or does not show to this account."""

    failure_kind = FailureKind.ACCOUNT


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a good answer, why, and one sentence about it."""

    request: Request
    kind: FailureKind
    message: str

    @classmethod
    def of(cls, request: Request, error: ApsError | RefusedError) -> Failure:
        """Make the failure that an error means for a request."""
        if request.endpoint == "system_details" and isinstance(error, ParameterError):
            error = UnknownSystemError(f"{error}")
        return cls(request, getattr(error, "failure_kind", FailureKind.REMOTE), str(error))

    @classmethod
    def of_rest(cls, request: Request, rest: Rest) -> Failure:
        """Make the failure of a request that is left alone for some days."""
        return cls(request, rest.kind, f"{rest.text}; it rests until {rest.until}, --again asks now")


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why an account makes no further call in this run; asks left over are not failures."""

    kind: FailureKind
    message: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """How many of the items or series of a partition were refused, while the others became rows."""

    table: str
    key: str
    rejected: int
    items: int

    def __str__(self) -> str:
        what = f"{self.rejected:,} of {self.items:,} items of core.{self.table}"
        were = "was" if self.rejected == 1 else "were"
        return f"{f'{what} {self.key}'.rstrip()} {were} refused: see core.rejected_items"


@dataclass(frozen=True, slots=True)
class PartitionResult:
    """One partition after its calls: complete, or with the failures that keep it from being so.

    `rows` is None where no file was written; `no_data` counts the requests answered with 1001;
    `waiting` the requests that were not asked because the run had stopped; `skip_reasons` say why
    others are not needed. `rejected` counts the items and series that no row was made of, `items` all that
    this run judged one by one: 0 where the partition was there already.
    """

    table: Table
    period: Period
    rows: int | None
    calls: int = 0
    asked: int = 0
    no_data: int = 0
    waiting: int = 0
    skipped: tuple[SkipReason, ...] = ()
    rejected: int = 0
    items: int = 0
    failures: tuple[Failure, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every request of the partition has a good answer."""
        return not self.failures and not self.waiting

    @property
    def key(self) -> str:
        """The partition key; empty where the table has none."""
        return self.period.key

    @property
    def remark(self) -> str:
        """Why there is nothing to see, or what is missing, in one line; empty if all is well."""
        if self.failures:
            return f"{self.failures[0].request}: {self.failures[0].message}"
        if self.waiting:
            return f"{self.waiting} of {self.asked} requests not made yet"
        if self.asked == 0:
            return "nothing to ask: before installation, in the future, or no such device"
        if forgotten := self.skipped.count(SkipReason.FORGOTTEN):
            about = f"{forgotten} of {self.asked} requests are about days so old"
            return f"beyond retention: {about} that the API gave no data of them"
        if idle := self.skipped.count(SkipReason.IDLE):
            return f"idle: the daily value is a final 0, so {idle} of {self.asked} requests were not made"
        if not self.rows and self.no_data == self.asked:
            return "no data (1001)"
        return str(self.rejection or "")

    @property
    def rejection(self) -> Rejection | None:
        """What this run refused of it, item by item or series by series; None for nothing."""
        if not self.rejected or not self.items:
            return None
        return Rejection(self.table.name, self.key, self.rejected, self.items)


@dataclass(slots=True)
class Summary:
    """A run as a whole, for exit codes and last lines."""

    partitions: int = 0
    complete: int = 0
    rows: int = 0
    calls: int = 0
    failures: list[Failure] = field(default_factory=list)
    stops: list[StopReason] = field(default_factory=list)
    """Why calls ended early: one for each account, or kind of its calls, that it happened to."""
    rejections: list[Rejection] = field(default_factory=list)
    """What was refused item by item or series by series, by partition."""
    notes: list[str] = field(default_factory=list)
    """What a run says once, beside how it went."""
    new_events: list[DriftEvent] = field(default_factory=list)
    """What answers named that nobody here knows, met for the first time."""

    def add(self, result: PartitionResult) -> None:
        """Count one partition in."""
        self.partitions += 1
        self.complete += result.is_complete
        self.rows += result.rows or 0
        self.calls += result.calls
        self.failures.extend(result.failures)
        if result.rejection:
            self.rejections.append(result.rejection)

    @property
    def drift_sentences(self) -> list[str]:
        """The news in sentences, each name once: a new field often comes with many endpoints."""
        subjects: dict[tuple[str, str], list[DriftEvent]] = {}
        for each in self.new_events:
            subjects.setdefault((each.kind, each.name), []).append(each)
        return [
            f"{kind} {name} ({first.subject}{f' and {len(more):,} more' if more else ''}), "
            f"kept in the body of call {first.call_id}"
            for (kind, name), (first, *more) in subjects.items()
        ]

    @property
    def stop(self) -> StopReason | None:
        """The first of the stops, if there is one."""
        return next(iter(self.stops), None)

    @property
    def failure_kinds(self) -> set[FailureKind]:
        """Every kind of trouble met."""
        refused = {FailureKind.REFUSED} if self.rejections else set()
        return refused | {each.kind for each in self.failures} | {each.kind for each in self.stops}

    @property
    def exit_code(self) -> Exit:
        """The exit code of the run: what the user must see to first."""
        met = self.failure_kinds
        if worst := next((kind for kind in FailureKind if kind in met), None):
            return worst.exit_code
        return Exit.COMPLETE if self.complete == self.partitions else Exit.INCOMPLETE


class BodyLostError(RefusedError):
    """The kept body of a call is gone or garbled: nothing can be read of it, by whichever parser."""

    def __init__(self, call_id: int) -> None:
        super().__init__(
            f"the kept body of call {call_id} is gone or garbled; `aps verify` says how to mend it"
        )
        self.call_id = call_id


def body_of(bodies: Mapping[int, str], call_id: int) -> str:
    """Find the body of an answered call in what the ledger could read. Raises BodyLostError."""
    try:
        return bodies[call_id]
    except KeyError:
        raise BodyLostError(call_id) from None
