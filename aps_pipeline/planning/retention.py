"""How far back a server gives a level of a system: which request tells most, and what need not be asked.

A border of retention is a claim. It is drawn for one endpoint, level and system. At that moment its newest
day without data and one day beyond it are asked again. It expires after a quarter, when one probe renews it.
It falls with any answer that has data where it says there is none. The border of one system is a hint for the
others: one call of their own confirms it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from aps_pipeline.endpoints import ENDPOINTS, LEVEL_GRAIN
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning.answers import Answers, Kind
from aps_pipeline.planning.horizon import last_forgotten, next_probe
from aps_pipeline.planning.known import CLAIM_AGE, Border, BorderKey
from aps_pipeline.planning.systems import System
from aps_pipeline.question import Held, Question

_WORTH_A_PROBE = 8
"""Days still to be asked of one source before it is worth asking where they end."""

_SURE_DEVICES = 2
"""Devices that must have nothing on the last forgotten day: one may not have been there."""

_PROOFS = 2
"""Times that the API has said of a day that there is no data before that counts as proof: one may pass."""


@dataclass(slots=True)
class _Witness:
    """What a device's newest good answer says of a day, and how often there was no data."""

    request: Question
    has_data: bool
    no_data_count: int
    call_id: int
    asked_utc: datetime


@dataclass(slots=True)
class _Source:
    """One endpoint and level of a system: the requests that are due, and the witnesses, by day."""

    key: BorderKey
    system: System | None
    lit: frozenset[date]
    due: dict[date, list[Question]] = field(default_factory=dict)
    seen: dict[date, dict[str, _Witness]] = field(default_factory=dict)
    vain: set[Question] = field(default_factory=set)
    """Asked in this run, and no answer came."""

    def days(self, *, wanted: bool = False) -> list[date]:
        """The days with production that are due or answered; `wanted` ones lie among those that are due."""
        found = sorted(self.lit & (self.seen.keys() | self.due.keys()))
        open_days = [day for day, requests in self.due.items() if requests]
        if not wanted or not open_days:
            return found
        return [day for day in found if min(self.due) <= day <= max(self.due)]

    def verdicts(self) -> dict[date, bool]:
        """Whether the server still has a day: the data of one device say so."""
        return {day: any(w.has_data for w in seen.values()) for day, seen in self.seen.items()}

    def candidate(self, days: Sequence[date]) -> date | None:
        """The last day that seems forgotten, once enough devices agree; None if there is none."""
        last = last_forgotten(days, self.verdicts())
        return last if last is not None and self._is_sure(last) else None

    def _is_sure(self, day: date) -> bool:
        kind, period = ENDPOINTS[self.key[0]].device, Period(Grain.DAY, day)
        there = [each for each in self.system.devices(kind) if each.was_there(period)] if self.system else []
        return len(self.seen[day]) >= min(_SURE_DEVICES, len(there))

    def proof(self, day: date) -> _Witness | None:
        """A device of which the API has said twice that it has no data of that day."""
        witnesses = (w for w in self.seen.get(day, {}).values() if w.no_data_count >= _PROOFS)
        return max(witnesses, key=lambda witness: witness.asked_utc, default=None)

    def proven(self, days: Sequence[date], now: datetime) -> Border | None:
        """The border that is believed of these days on this source's own answers."""
        last = self.candidate(days)
        if last is None or (newest := self.proof(last)) is None or now - newest.asked_utc > CLAIM_AGE:
            return None
        beyond = next((w for day in reversed(days) if day < last and (w := self.proof(day))), None)
        if beyond is None:
            return None
        return Border(last, self._calls(days, last, beyond), newest.asked_utc)

    def _calls(self, days: Sequence[date], last: date, beyond: _Witness) -> tuple[int, ...]:
        """The calls at the border and beyond it, and the first one after it that had data."""
        found = [beyond.call_id, *(witness.call_id for witness in self.seen[last].values())]
        after = (
            w.call_id for day in days if day > last for w in self.seen.get(day, {}).values() if w.has_data
        )
        return tuple(sorted({*found, *[call for call, _ in zip(after, range(1), strict=False)]}))

    def hinted(self, hint: Border, now: datetime) -> Border | None:
        """The border of another system, where an answer of this source confirms it."""
        days = [day for day in self.days() if day <= hint.last]
        told = self.verdicts()
        if any(told.get(day) for day in days):
            return None
        mine = [day for day in days if told.get(day) is False]
        if not mine:
            return None
        witness = max(self.seen[mine[-1]].values(), key=lambda each: each.asked_utc)
        if now - witness.asked_utc > CLAIM_AGE:
            return None
        return Border(mine[-1], tuple(sorted({*hint.call_ids, witness.call_id})), witness.asked_utc)

    def request_for(self, day: date) -> Question | None:
        """What to ask about a day: a request that is due, or one again that had no data."""
        waiting = [request for request in self.due.get(day, ()) if request not in self.vain]
        if waiting:
            return waiting[0]
        again = [w.request for w in self.seen.get(day, {}).values() if w.request not in self.vain]
        return again[0] if again else None


class Retention:
    """What kept answers say of the server's memory at `now`, and which of the requests `due` would say more.

    `lit` are the days on which a system is known to have produced: only there "no data" means forgotten.
    """

    def __init__(
        self,
        systems: Mapping[str, System],
        lit: Mapping[str, frozenset[date]],
        answers: Answers,
        now: datetime,
        due: Iterable[Question] = (),
    ) -> None:
        self._now = now
        self._sources: dict[BorderKey, _Source] = {}
        for key, days in _due_by_source(due).items():
            self._source(key, systems, lit).due = days
        for request, held in _day_answers(answers):
            key = (request.endpoint, request.level, request.system_id)
            assert held.asked_utc is not None  # noqa: S101 - only good answers are given
            self._source(key, systems, lit).seen.setdefault(request.period.first, {})[request.device_id] = (
                _Witness(request, bool(held.answered), held.no_data_count, held.good, held.asked_utc)
            )
        self._own: dict[BorderKey, Border | None] = {}
        self._borders: dict[BorderKey, Border] | None = None

    def _source(
        self, key: BorderKey, systems: Mapping[str, System], lit: Mapping[str, frozenset[date]]
    ) -> _Source:
        if key not in self._sources:
            self._sources[key] = _Source(key, systems.get(key[2]), lit.get(key[2], frozenset()))
        return self._sources[key]

    @property
    def sources_with_due(self) -> set[BorderKey]:
        """The endpoints, levels and systems that may be probed."""
        return {key for key, source in self._sources.items() if any(source.due.values())}

    def next_probe(self, may_ask: Callable[[str], bool] = lambda _: True) -> Question | None:
        """The request whose answer says most about where a level ends; None where all is known.

        It may be one that was answered with "no data", to be asked again as a proof. Systems that may not be
        asked are passed over.
        """
        return next(self.probes(may_ask), None)

    def probes(self, may_ask: Callable[[str], bool] = lambda _: True) -> Iterator[Question]:
        """The next probe of each endpoint and level; other systems wait for the border of the first."""
        probed: set[Kind] = set()
        for key, source in self._sources.items():
            if not any(source.due.values()) or key[:2] in probed or not may_ask(key[2]):
                continue
            if (request := self._probe(source)) is not None:
                probed.add((key[0], key[1]))
                yield request

    def _probe(self, source: _Source) -> Question | None:
        if source.key in self.borders:
            return None
        hint, told = self._hint(source.key), source.verdicts()
        if hint is not None:
            hinted = [day for day in source.days(wanted=True) if day <= hint.last]
            if hinted and all(told.get(day) is None for day in hinted):
                return source.request_for(hinted[-1])
        days = source.days(wanted=True)
        day = next_probe(days, told)
        if day is not None and (request := source.request_for(day)) is not None:
            return request
        return self._proof_wanted(source, days)

    def _proof_wanted(self, source: _Source, days: Sequence[date]) -> Question | None:
        """The request that would prove the border that seems to be there, or renew it."""
        last = source.candidate(days)
        if last is None:
            seeming = last_forgotten(days, source.verdicts())
            others = source.due.get(seeming, ()) if seeming is not None else ()  # one more device is wanted
            return next((request for request in others if request not in source.vain), None)
        if not any(day <= last and requests for day, requests in source.due.items()):
            return None  # nothing would be spared
        proof = source.proof(last)
        if proof is None or self._now - proof.asked_utc > CLAIM_AGE:
            return source.request_for(last)
        beyond = [day for day in days if day < last and source.verdicts().get(day) is False]
        if beyond and not any(source.proof(day) for day in beyond):
            return source.request_for(beyond[-1])
        return None

    def told(self, probe: Question, has_data: bool | None, call_id: int) -> None:
        """Take the answer to a probe; None where none came, so that its day says nothing."""
        source = self._sources[probe.endpoint, probe.level, probe.system_id]
        day = probe.period.first
        if probe in source.due.get(day, ()):
            source.due[day].remove(probe)
        self._own.pop(source.key, None)
        self._borders = None
        if has_data is None:
            source.vain.add(probe)
            if not source.due.get(day) and day not in source.seen:
                source.lit -= {day}
            return
        before = source.seen.get(day, {}).get(probe.device_id)
        count = (before.no_data_count if before else 0) + (not has_data)
        source.seen.setdefault(day, {})[probe.device_id] = _Witness(
            probe, has_data, count, call_id, self._now
        )

    def forgotten(self) -> list[Question]:
        """The due requests that need not be made any more."""
        return [
            request
            for key, border in self.borders.items()
            for day, requests in self._sources[key].due.items()
            if day <= border.last
            for request in requests
        ]

    @property
    def borders(self) -> dict[BorderKey, Border]:
        """The believed border of each endpoint, level and system."""
        if self._borders is None:
            own = self._own_borders()
            self._borders = own | self._confirmed_hints(own)
        return self._borders

    def _own_borders(self) -> dict[BorderKey, Border]:
        for key, source in self._sources.items():
            if key not in self._own:
                borders = (source.proven(source.days(wanted=wanted), self._now) for wanted in (False, True))
                known = [border for border in borders if border is not None]
                self._own[key] = max(known, key=lambda border: border.last, default=None)
        return {key: border for key, border in self._own.items() if border is not None}

    def _confirmed_hints(self, own: Mapping[BorderKey, Border]) -> dict[BorderKey, Border]:
        found = {}
        for key, source in self._sources.items():
            if key not in own and (hint := _newest_of_others(own, key)) is not None:
                border = source.hinted(hint, self._now)
                if border is not None:
                    found[key] = border
        return found

    def _hint(self, key: BorderKey) -> Border | None:
        return _newest_of_others(self.borders, key)


def _newest_of_others(borders: Mapping[BorderKey, Border], key: BorderKey) -> Border | None:
    others = [border for other, border in borders.items() if other[:2] == key[:2] and other != key]
    return max(others, key=lambda border: border.last, default=None)


def _due_by_source(due: Iterable[Question]) -> dict[BorderKey, dict[date, list[Question]]]:
    """The requests by day of those sources that have enough of them."""
    found: dict[BorderKey, dict[date, list[Question]]] = {}
    for request in due:
        if request.period.grain is Grain.DAY:
            key = (request.endpoint, request.level, request.system_id)
            found.setdefault(key, {}).setdefault(request.period.first, []).append(request)
    return {key: days for key, days in found.items() if len(days) >= _WORTH_A_PROBE}


def _day_answers(answers: Answers) -> Iterator[tuple[Question, Held]]:
    """Every good answer about a day, with its request."""
    for (endpoint, level), by_period in answers.by_kind.items():
        if LEVEL_GRAIN[level] is not Grain.DAY:
            continue
        for key, of_devices in by_period.items():
            period = Period.parse(Grain.DAY, key)
            for (system_id, device_id), held in of_devices.items():
                if held.good and held.asked_utc is not None:
                    yield Question(endpoint, level, system_id, device_id, period), held
