"""What inventory answers say, read once: the ledger keeps which of them say the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aps_pipeline.ingest.code_digest import Readers
from aps_pipeline.ingest.results import BodyLostError, body_of
from aps_pipeline.ledger import CallState, EqualAnswers, Ledger
from aps_pipeline.parse import INVENTORY_PARSERS, RefusedError, open_body

_READERS = Readers()


@dataclass(frozen=True, slots=True)
class Sighting:
    """One good inventory answer, taken apart; `record` is None for 'no data'."""

    call_id: int
    system_id: str
    sent_utc: datetime
    record: Any


Sightings = dict[tuple[str, str], list[Sighting]]
"""By endpoint and system, in the order of the calls: the first and the last of answers that say the same."""


def read_sightings(ledger: Ledger, lost: list[int]) -> Sightings:
    """Read what inventory answers say; those that were not read yet are read and kept. Raises LedgerError.

    Answers that no parser takes are passed over. Calls whose bodies are gone or garbled are added to `lost`;
    nothing is kept of a system that has such, so that they are found each time until they count no longer.
    """
    found: Sightings = {}
    for endpoint in INVENTORY_PARSERS:
        if ledger.get_reader(endpoint, "") != (reader := _READERS.of_inventory(endpoint)):
            ledger.change_reader(endpoint, "", reader)
        found |= _EndpointReader(ledger, endpoint, lost).read()
    return found


class _EndpointReader:
    """Brings up to date what the answers of one endpoint say."""

    def __init__(self, ledger: Ledger, endpoint: str, lost: list[int]) -> None:
        self._ledger, self._endpoint, self._lost = ledger, endpoint, lost
        self._records: dict[int, Any] = {}
        """By the last call of answers that say the same."""

    def read(self) -> Sightings:
        """Read what was kept, and the answers of systems that have others by now."""
        kept = self._ledger.list_equal_answers(self._endpoint)
        last = {e.last_call_id: sid for sid, those in kept.items() for e in those if _has_data(e)}
        bodies = self._ledger.read_bodies(last)
        for call_id in bodies:
            with suppress(RefusedError):  # garbled, if it was taken before: read again with the others
                self._records[call_id] = self._record(bodies, call_id, last[call_id])
        found: dict[str, list[EqualAnswers]] = {}
        changed: dict[str, list[EqualAnswers]] = {}
        for system_id, (count, newest) in self._ledger.count_good_calls(self._endpoint).items():
            those, known_lost = kept.get(system_id, []), len(self._lost)
            if any(_has_data(each) and each.last_call_id not in self._records for each in those):
                those = []  # a body has been lost: other answers may have said the same
            if (_count(those), _newest(those)) != (count, newest):
                those = self._read_new(system_id, those, count)
                if len(self._lost) == known_lost:
                    changed[system_id] = those
            found[system_id] = those
        if changed:
            self._ledger.keep_equal_answers(self._endpoint, changed)
        return {(self._endpoint, sid): self._sightings(sid, those) for sid, those in found.items()}

    def _read_new(self, system_id: str, known: Sequence[EqualAnswers], count: int) -> list[EqualAnswers]:
        """Read the answers that came after those known; all, where some of before are others by now."""
        calls = self._ledger.list_good_calls(self._endpoint, system_id, _newest(known))
        if _count(known) + len(calls) != count:
            known, calls = [], self._ledger.list_good_calls(self._endpoint, system_id)
        bodies = self._ledger.read_bodies(call[0] for call in calls if call[2] is CallState.ANSWERED)
        found = list(known)
        for call_id, _, state, sent_utc in calls:
            record = None
            if state is CallState.ANSWERED:
                try:
                    record = self._record(bodies, call_id, system_id)
                except BodyLostError:
                    self._lost.append(call_id)
                    continue
                except RefusedError:
                    state = CallState.REFUSED  # noqa: PLW2901 - by the parser of today
            at = max((at for at, each in enumerate(found) if each.state is state), default=None)
            if at is not None and self._records.get(found[at].last_call_id) == record:
                same = found[at]
                found[at] = replace(same, last_call_id=call_id, last_utc=sent_utc, answers=same.answers + 1)
            else:
                found.append(EqualAnswers(call_id, call_id, sent_utc, sent_utc, state, 1))
            self._records[call_id] = record
        return found

    def _record(self, bodies: dict[int, str], call_id: int, system_id: str) -> Any:
        """Take a body apart. Raises BodyLostError, RefusedError."""
        return INVENTORY_PARSERS[self._endpoint](open_body(body_of(bodies, call_id)), system_id)

    def _sightings(self, system_id: str, those: Sequence[EqualAnswers]) -> list[Sighting]:
        found: dict[int, Sighting] = {}
        for each in those:
            if each.state is not CallState.REFUSED:
                record = self._records.get(each.last_call_id)
                for call_id, at in ((each.first_call_id, each.first_utc), (each.last_call_id, each.last_utc)):
                    found[call_id] = Sighting(call_id, system_id, at, record)
        return [found[call_id] for call_id in sorted(found)]


def _has_data(answers: EqualAnswers) -> bool:
    return answers.state is CallState.ANSWERED


def _count(those: Sequence[EqualAnswers]) -> int:
    return sum(each.answers for each in those)


def _newest(those: Sequence[EqualAnswers]) -> int:
    return max((each.last_call_id for each in those), default=0)
