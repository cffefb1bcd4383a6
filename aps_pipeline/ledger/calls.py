"""Write what calls have come to: judgements, comparisons, drift, and how their bodies are."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from aps_pipeline.ledger.bodies import BodyFault, check_bodies
from aps_pipeline.ledger.diffs import FigureRow, forget_derived, insert_figures
from aps_pipeline.ledger.equal_answers import replace_equal_answers
from aps_pipeline.ledger.errors import LedgerBusyError, as_ledger_error
from aps_pipeline.ledger.reading import LedgerReader, reader_name
from aps_pipeline.ledger.records import AnswerDiff, CallState, DriftEvent, EqualAnswers
from aps_pipeline.ledger.schema import calls, equal_answers, facts, figures, news, refusals, revisions

_LONGEST_ERROR = 1000
_PORTION = 100
"""Bodies in memory together: one may have some megabytes."""


class LedgerWriter(LedgerReader):
    """The part of `Ledger` that writes about kept calls. Raises LedgerError like the rest."""

    _write_engine: sa.Engine
    _one_writer: threading.Lock
    _patience: float

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        # Threads that began to wait together give up together, not one after the other.
        if not self._one_writer.acquire(timeout=self._patience):
            raise LedgerBusyError("another process keeps the ledger locked; try again when it has ended")
        try:
            with self._write_engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise as_ledger_error(error) from error
        finally:
            self._one_writer.release()

    def set_state(self, call_id: int, state: CallState, error: str = "", reader: str = "") -> None:
        """Judge a kept body anew: a parser took it now, or refuses it now. Its comparisons are forgotten.

        `reader` names the one that refused it.
        """
        with self._writing() as tx:
            set_call(tx, call_id, state=state, error=printable(error))
            tx.execute(sa.delete(refusals).where(refusals.c.call_id == call_id))
            if reader:
                tx.execute(sa.insert(refusals).values(call_id=call_id, reader=reader))
            forget_derived(tx, call_id)

    def keep_refusals(self, call_ids: Iterable[int], reader: str) -> None:
        """Keep that a reader has refused the bodies of calls."""
        rows = [{"call_id": call_id, "reader": reader} for call_id in call_ids]
        if rows:
            with self._writing() as tx:
                tx.execute(
                    sa.delete(refusals).where(refusals.c.call_id.in_([row["call_id"] for row in rows]))
                )
                tx.execute(sa.insert(refusals), rows)

    def mark_damaged(self, call_id: int, reason: str) -> None:
        """Let an answer whose body is lost count no longer, so that its request is asked again."""
        with self._writing() as tx:
            was_good = (calls.c.call_id == call_id, calls.c.state == CallState.ANSWERED)
            damaged = {"state": CallState.DAMAGED, "error": printable(f"the kept body {reason}")}
            if tx.execute(sa.update(calls).where(*was_good).values(**damaged)).rowcount:
                forget_derived(tx, call_id)

    def check_bodies(self) -> Iterator[tuple[int, list[BodyFault]]]:
        """Read every kept body, in portions: how many, and what is wrong with some of them.

        Bodies of before there were digests get theirs here, not when a ledger is migrated: that would read
        all of them before the first call, and a garbled one fails the checksum of its compression anyway.
        """
        after: int | None = 0
        while after is not None:
            with self._reading() as connection:
                portion, after = check_bodies(connection, after, _PORTION)
            if portion.digests:
                with self._writing() as tx:
                    for call_id, sha256 in portion.digests.items():
                        set_call(tx, call_id, body_sha256=sha256)
            yield portion.count, portion.faults

    def keep_diffs(self, found: Iterable[AnswerDiff]) -> None:
        """Keep comparisons of successive answers; those already kept stay."""
        rows = [asdict(each) for each in found]
        if rows:
            with self._writing() as tx:
                tx.execute(insert_into(tx, revisions).on_conflict_do_nothing(), rows)

    def keep_figures(self, found: Iterable[FigureRow]) -> None:
        """Keep the energies taken from answers; those already kept stay."""
        with self._writing() as tx:
            insert_figures(tx, insert_into(tx, figures), found)

    def keep_equal_answers(self, endpoint: str, by_system: Mapping[str, Iterable[EqualAnswers]]) -> None:
        """Keep what the inventory answers of some systems say, instead of what was kept of them."""
        with self._writing() as tx:
            replace_equal_answers(tx, endpoint, by_system)

    def forget_derived(self) -> None:
        """Forget all that was derived from bodies, so that it is made again."""
        with self._writing() as tx:
            for derived in (revisions, figures, equal_answers):
                tx.execute(sa.delete(derived))

    def change_reader(self, endpoint: str, level: str, reader: str) -> None:
        """Forget what was derived from an endpoint and level, which another reader takes from now on."""
        with self._writing() as tx:
            theirs = sa.select(calls.c.call_id).where(calls.c.endpoint == endpoint, calls.c.level == level)
            tx.execute(sa.delete(figures).where(figures.c.call_id.in_(theirs)))
            tx.execute(sa.delete(equal_answers).where(equal_answers.c.endpoint == endpoint))
            name = reader_name(endpoint, level)
            tx.execute(sa.delete(facts).where(facts.c.name == name))
            tx.execute(insert_into(tx, facts).values(name=name, value=reader).on_conflict_do_nothing())

    def keep_drift_events(self, found: Iterable[DriftEvent]) -> list[DriftEvent]:
        """Keep what an answer named and nobody knew; return what is said for the first time."""
        with self._writing() as tx:
            return [
                each
                for each in found
                if tx.execute(insert_into(tx, news).values(**asdict(each)).on_conflict_do_nothing()).rowcount
            ]


def set_call(tx: sa.Connection, call_id: int, **values: object) -> None:
    """Change columns of one call."""
    tx.execute(sa.update(calls).where(calls.c.call_id == call_id).values(**values))


def insert_into(tx: sa.Connection, table: sa.Table) -> Any:
    """Build an upsert in the one dialect in use, which can leave rows alone; importing one takes long."""
    return import_module(f"sqlalchemy.dialects.{tx.dialect.name}").insert(table)


def printable(text: str) -> str:
    """Clean a message for any database: a server may send control characters and halves of pairs."""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST_ERROR])
