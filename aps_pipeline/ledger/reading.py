"""Requests to the ledger: what is held, the bodies, the quota, and the calls themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aps_pipeline.ledger import diffs
from aps_pipeline.ledger.bodies import (
    BodyFault,
    GarbledError,
    Refusal,
    has_body,
    list_damaged,
    list_refused,
    unpack,
)
from aps_pipeline.ledger.entries import find_newest_answers, read_entries
from aps_pipeline.ledger.equal_answers import count_good_calls, list_equal_answers, list_good_calls
from aps_pipeline.ledger.errors import as_ledger_error
from aps_pipeline.ledger.quota import Quota, QuotaAccount, read_quota
from aps_pipeline.ledger.records import (
    SUCCESSFUL,
    UNSUCCESSFUL,
    AnswerDiff,
    AnswerPair,
    Attempt,
    CallState,
    DriftEvent,
    DriftKind,
    EqualAnswers,
    GoodCall,
)
from aps_pipeline.ledger.schema import bodies, calls, facts, news
from aps_pipeline.periods import Period
from aps_pipeline.request import LedgerEntry, Request

_CHUNK = 500


def reader_name(endpoint: str, level: str) -> str:
    """Name the fact that says which reader derived what is kept of an endpoint and level."""
    return f"figures of {endpoint} {level}"


class LedgerReader:
    """The reading half of `Ledger`. Every method raises LedgerError when the database cannot be used."""

    now: Callable[[], datetime]
    _engine: sa.Engine

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise as_ledger_error(error) from error

    def entries(
        self,
        endpoint: str,
        level: str,
        periods: tuple[str, str] | None = None,
        system_ids: Collection[str] | None = None,
    ) -> dict[tuple[str, str, str], LedgerEntry]:
        """Read what is held for each (system_id, device_id, period key) of one endpoint and level.

        `periods` bounds the period keys, both included. A device that was asked in two spellings is one.
        """
        with self._reading() as connection:
            return read_entries(connection, endpoint, level, periods, system_ids)

    def find_newest_answers(
        self, endpoint: str, level: str, period: Period, system_ids: Sequence[str]
    ) -> dict[str, tuple[int, datetime]]:
        """Find the newest call that was answered with data for each system, and the moment it speaks of."""
        found: dict[str, tuple[int, datetime]] = {}
        with self._reading() as connection:
            for start in range(0, len(system_ids), _CHUNK):
                some = system_ids[start : start + _CHUNK]
                found |= find_newest_answers(connection, endpoint, level, period, some)
        return found

    def count_by_kind(self) -> dict[tuple[str, str], int]:
        """Count the calls by endpoint and level."""
        kind = (calls.c.endpoint, calls.c.level)
        query = sa.select(*kind, sa.func.count()).group_by(*kind)
        with self._reading() as connection:
            return {(endpoint, level): number for endpoint, level, number in connection.execute(query)}

    def list_repeated_no_data(self) -> list[tuple[str, str, str]]:
        """List the endpoints, levels and systems that had no data more than once."""
        key = (calls.c.endpoint, calls.c.level, calls.c.system_id)
        query = sa.select(*key).where(calls.c.state == CallState.NO_DATA).group_by(*key).order_by(*key)
        with self._reading() as connection:
            repeated = connection.execute(query.having(sa.func.count() > 1))
            return [(endpoint, level, system_id) for endpoint, level, system_id in repeated]

    def list_good_calls(
        self, endpoint: str, system_id: str | None = None, after: int = 0
    ) -> list[tuple[int, Request, CallState, datetime]]:
        """List every good call of an endpoint in order: call_id, request, state, when it was sent.

        For endpoints without level and period, whose whole history matters: inventory and summaries.
        """
        with self._reading() as connection:
            return list_good_calls(connection, endpoint, system_id, after)

    def count_good_calls(self, endpoint: str) -> dict[str, tuple[int, int]]:
        """Count the good calls of an endpoint without periods by system, and find the newest of each."""
        with self._reading() as connection:
            return count_good_calls(connection, endpoint)

    def list_equal_answers(self, endpoint: str) -> dict[str, list[EqualAnswers]]:
        """List what the inventory answers of an endpoint say by system, as far as they were read."""
        with self._reading() as connection:
            return list_equal_answers(connection, endpoint)

    def list_failures(self, since: datetime) -> list[Attempt]:
        """List the calls sent since then that brought no good answer, in order."""
        key = (calls.c.endpoint, calls.c.level, calls.c.system_id, calls.c.device_id, calls.c.period)
        query = (
            sa.select(
                *key,
                calls.c.code,
                calls.c.sent_utc,
                calls.c.state,
                calls.c.http_status,
                calls.c.call_id,
                calls.c.error,
            )
            .where(calls.c.state.in_(UNSUCCESSFUL), calls.c.sent_utc >= since)
            .order_by(calls.c.call_id)
        )
        with self._reading() as connection:
            return [
                Attempt(e, lv, s, d, p, code, sent, CallState(state), http_status, call_id, error)
                for e, lv, s, d, p, code, sent, state, http_status, call_id, error in connection.execute(
                    query
                )
            ]

    def get_newest_good_call(self, endpoint: str, system_id: str) -> int | None:
        """Find the newest good call of an endpoint and system; None if there is none."""
        query = sa.select(sa.func.max(calls.c.call_id)).where(
            calls.c.endpoint == endpoint, calls.c.system_id == system_id, calls.c.state.in_(SUCCESSFUL)
        )
        with self._reading() as connection:
            return connection.execute(query).scalar()

    def read_bodies(self, call_ids: Iterable[int]) -> dict[int, str]:
        """Read the bodies of calls as text, by call_id, without the missing and the garbled."""
        wanted = sorted(set(call_ids))
        found: dict[int, str] = {}
        if not wanted:
            return found
        kept = sa.select(bodies, calls.c.body_sha256).join(calls, calls.c.call_id == bodies.c.call_id)
        with self._reading() as connection:
            for start in range(0, len(wanted), _CHUNK):
                some = wanted[start : start + _CHUNK]
                for call_id, body, sha256 in connection.execute(kept.where(bodies.c.call_id.in_(some))):
                    with contextlib.suppress(GarbledError):  # `check_bodies` says why
                        found[call_id] = unpack(body, sha256)[0]
        return found

    def list_damaged(self) -> list[BodyFault]:
        """List the answers that were found damaged and are not replaced yet, in the order of the calls."""
        with self._reading() as connection:
            return list(list_damaged(connection))

    def count_bodies(self) -> int:
        """Count how many bodies there are to be checked."""
        with self._reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(has_body())).scalar_one())

    def list_refusals(self) -> list[Refusal]:
        """List the refused answers that no good one has replaced, in the order of the calls."""
        with self._reading() as connection:
            return list(list_refused(connection))

    def get_newest_time(self) -> datetime | None:
        """Find when the newest call was sent; None before the first."""
        with self._reading() as connection:
            return connection.execute(sa.select(calls.c.sent_utc).order_by(calls.c.call_id.desc())).scalar()

    def get_quota(self, account: QuotaAccount) -> Quota:
        """Get where the account stands now."""
        with self._reading() as connection:
            return read_quota(connection, account, self.now())

    def summarize_calls(self) -> list[tuple[str, str, CallState, int, str, str]]:
        """Count calls by endpoint, level and state, with the first and last period asked for."""
        kind = (calls.c.endpoint, calls.c.level, calls.c.state)
        periods = (sa.func.min(calls.c.period), sa.func.max(calls.c.period))
        query = sa.select(*kind, sa.func.count(), *periods).group_by(*kind).order_by(*kind)
        with self._reading() as connection:
            return [
                (e, lv, CallState(st), n, first, last)
                for e, lv, st, n, first, last in connection.execute(query)
            ]

    def count_by_state(self) -> list[tuple[CallState, int, int, datetime | None]]:
        """Count calls by state, with the newest call_id and the newest finish. Every call changes it."""
        newest = (sa.func.max(calls.c.call_id), sa.func.max(calls.c.finished_utc))
        query = sa.select(calls.c.state, sa.func.count(), *newest).group_by(calls.c.state)
        with self._reading() as connection:
            return sorted((CallState(st), n, last, end) for st, n, last, end in connection.execute(query))

    def iter_calls(self, after: int = 0, also: Collection[int] = ()) -> Iterator[Sequence[dict[str, Any]]]:
        """List every call after that one, and those named, without bodies, oldest first, in portions."""
        wanted = sa.or_(calls.c.call_id > after, calls.c.call_id.in_(also))
        with self._reading() as connection:
            result = connection.execute(sa.select(calls).where(wanted).order_by(calls.c.call_id)).mappings()
            for portion in result.partitions(10_000):
                yield [dict(row) for row in portion]

    def list_unanswered(self, newest: int) -> tuple[int, dict[int, str]]:
        """Count the answered calls up to one, and list all others up to it with their states."""
        is_answered = calls.c.state == CallState.ANSWERED
        others = sa.select(calls.c.call_id, calls.c.state).where(~is_answered, calls.c.call_id <= newest)
        answered = sa.select(sa.func.count(), sa.literal("")).where(is_answered, calls.c.call_id <= newest)
        with self._reading() as connection:  # in one statement, and so at one moment
            found = [(number, state) for number, state in connection.execute(sa.union_all(others, answered))]
        return next(number for number, state in found if not state), {c: state for c, state in found if state}

    def list_call_states(self) -> list[tuple[int, str]]:
        """List every call and its state; nothing of a call changes without its state."""
        with self._reading() as connection:
            return [
                (call, state) for call, state in connection.execute(sa.select(calls.c.call_id, calls.c.state))
            ]

    def list_drift_events(self) -> list[DriftEvent]:
        """Everything unknown that answers have named, in the order of the calls."""
        query = sa.select(news).order_by(news.c.call_id, news.c.kind, news.c.subject, news.c.name)
        with self._reading() as connection:
            return [
                DriftEvent(DriftKind(row.kind), row.subject, row.name, row.call_id)
                for row in connection.execute(query)
            ]

    def list_uncompared(self, sources: Collection[tuple[str, str]]) -> list[AnswerPair]:
        """List successive good calls of one request that are not compared yet, request by request in order.

        `sources` are endpoints and levels. Left out is 'no data' after 'no data'.
        """
        with self._reading() as connection:
            return diffs.list_uncompared(connection, sources)

    def list_answers_before(self, call_id: int) -> list[GoodCall]:
        """List the answers with data to the request of a call that came before it, oldest first."""
        with self._reading() as connection:
            return diffs.list_answers_before(connection, call_id)

    def list_diffs(self) -> list[AnswerDiff]:
        """List every comparison of two successive answers, in the order of the calls."""
        with self._reading() as connection:
            return diffs.list_diffs(connection)

    def list_figures(
        self,
        endpoint: str,
        level: str,
        periods: tuple[str, str] | None = None,
        system_ids: Collection[str] | None = None,
    ) -> list[diffs.StoredFigure]:
        """List the energies taken from the answers of one endpoint and level, in the order of the calls.

        `periods` bounds the periods that were asked for, both included.
        """
        with self._reading() as connection:
            return diffs.list_figures(connection, endpoint, level, periods, system_ids)

    def get_reader(self, endpoint: str, level: str) -> str | None:
        """Find the reader that derived what is kept of an endpoint and level; None before the first."""
        query = sa.select(facts.c.value).where(facts.c.name == reader_name(endpoint, level))
        with self._reading() as connection:
            return connection.execute(query).scalar()

    def list_unread_answers(
        self,
        endpoint: str,
        level: str,
        periods: tuple[str, str] | None = None,
        system_ids: Collection[str] | None = None,
    ) -> list[diffs.UnreadAnswer]:
        """List the answers of one endpoint and level whose energies are not taken yet, oldest first."""
        with self._reading() as connection:
            return diffs.list_unread_answers(connection, endpoint, level, periods, system_ids)

    def is_simulated(self) -> bool | None:
        """Tell whether the answers come from a simulator; None before the first one."""
        with self._reading() as connection:
            value = connection.execute(sa.select(facts.c.value).where(facts.c.name == "simulated")).scalar()
        return None if value is None else value == str(True)
