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
from itertools import islice

from aps_pipeline.endpoints import ENDPOINTS, LEVEL_GRAIN
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning.answers import Answers, Kind
from aps_pipeline.planning.claims import CLAIM_AGE, Border, BorderKey
from aps_pipeline.planning.retention_probes import last_forgotten, next_probe
from aps_pipeline.planning.systems import System
from aps_pipeline.request import Request

_WORTH_A_PROBE = 8
"""Days still to be asked of one source before it is worth asking where they end."""

_SURE_DEVICES = 2
"""Devices that must have nothing on the last forgotten day: one may not have been there."""

_PROOFS = 2
"""Times that the API must say that a day has no data before that counts as proof: one may pass."""


@dataclass(slots=True)
class _Witness:
    """What a device's newest good answer says about a day, and how often there was no data."""

    request: Request
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
    due: dict[date, list[Request]] = field(default_factory=dict)
    seen: dict[date, dict[str, _Witness]] = field(default_factory=dict)
    unanswered: set[Request] = field(default_factory=set)
    """Asked in this run, and no answer came."""

    def days(self, *, wanted: bool = False) -> list[date]:
        """List the days with production, due or answered; `wanted` ones lie among those that are due."""
        found = sorted(self.lit & (self.seen.keys() | self.due.keys()))
        open_days = [day for day, requests in self.due.items() if requests]
        if not wanted or not open_days:
            return found
        return [day for day in found if min(self.due) <= day <= max(self.due)]

    def verdicts(self) -> dict[date, bool]:
        """Judge by day whether the server still has it: the data of one device say so."""
        return {day: any(w.has_data for w in seen.values()) for day, seen in self.seen.items()}

    def candidate(self, days: Sequence[date]) -> date | None:
        """Find the last day that seems forgotten, once enough devices agree; None if there is none."""
        last = last_forgotten(days, self.verdicts())
        if last is None:
            return None
        kind, period = ENDPOINTS[self.key[0]].device, Period(Grain.DAY, last)
        there = [each for each in self.system.devices(kind) if each.was_there(period)] if self.system else []
        return last if len(self.seen[last]) >= min(_SURE_DEVICES, len(there)) else None

    def proof(self, day: date) -> _Witness | None:
        """Find a device without data on that day, which the API has said twice."""
        witnesses = (w for w in self.seen.get(day, {}).values() if w.no_data_count >= _PROOFS)
        return max(witnesses, key=lambda witness: witness.asked_utc, default=None)

    def proven(self, days: Sequence[date], now: datetime) -> Border | None:
        """Find the border that this source's own answers prove for these days."""
        last = self.candidate(days)
        if last is None or (newest := self.proof(last)) is None or now - newest.asked_utc > CLAIM_AGE:
            return None
        beyond = next((w for day in reversed(days) if day < last and (w := self.proof(day))), None)
        if beyond is None:
            return None
        calls = {beyond.call_id, *(witness.call_id for witness in self.seen[last].values())}
        after = (
            w.call_id for day in days if day > last for w in self.seen.get(day, {}).values() if w.has_data
        )
        calls.update(islice(after, 1))  # the first one after it that had data
        return Border(last, tuple(sorted(calls)), newest.asked_utc)

    def border_from_hint(self, hint: Border, now: datetime) -> Border | None:
        """Take over the border of another system, where an answer of this source confirms it."""
        days = [day for day in self.days() if day <= hint.last]
        verdicts = self.verdicts()
        if any(verdicts.get(day) for day in days):
            return None
        mine = [day for day in days if verdicts.get(day) is False]
        if not mine:
            return None
        witness = max(self.seen[mine[-1]].values(), key=lambda each: each.asked_utc)
        if now - witness.asked_utc > CLAIM_AGE:
            return None
        return Border(mine[-1], tuple(sorted({*hint.call_ids, witness.call_id})), witness.asked_utc)

    def request_for(self, day: date) -> Request | None:
        """Choose a request about a day: one that is due, or again one that had no data."""
        waiting = [request for request in self.due.get(day, ()) if request not in self.unanswered]
        if waiting:
            return waiting[0]
        again = [w.request for w in self.seen.get(day, {}).values() if w.request not in self.unanswered]
        return again[0] if again else None


class Retention:
    """What kept answers say about the server's memory at `now`, and which requests `due` would say more.

    `lit` are the days on which a system is known to have produced: only there "no data" means forgotten.
    `proven` are borders of other systems or kinds, proven by answers that are not given here.
    """

    def __init__(
        self,
        systems: Mapping[str, System],
        lit: Mapping[str, frozenset[date]],
        answers: Answers,
        now: datetime,
        due: Iterable[Request] = (),
        proven: Mapping[BorderKey, Border] | None = None,
    ) -> None:
        self._now, self._proven = now, proven or {}
        self._sources: dict[BorderKey, _Source] = {}
        for key, days in _due_by_source(due).items():
            self._source(key, systems, lit).due = days
        for witness in _witnesses(answers):
            request = witness.request
            key = (request.endpoint, request.level, request.system_id)
            seen = self._source(key, systems, lit).seen
            seen.setdefault(request.period.first, {})[request.device_id] = witness
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

    def next_probe(self, may_ask: Callable[[str], bool] = lambda _: True) -> Request | None:
        """Choose the request whose answer says most about where a level ends; None where all is known.

        It may be one that was answered with "no data", to be made again as a proof. Systems that may not be
        asked are passed over.
        """
        return next(self.probes(may_ask), None)

    def probes(self, may_ask: Callable[[str], bool] = lambda _: True) -> Iterator[Request]:
        """Find the next probe of each endpoint and level; other systems wait for the border of the first."""
        probed: set[Kind] = set()
        for key, source in self._sources.items():
            if not any(source.due.values()) or key[:2] in probed or not may_ask(key[2]):
                continue
            if (request := self._probe(source)) is not None:
                probed.add((key[0], key[1]))
                yield request

    def _probe(self, source: _Source) -> Request | None:
        if source.key in self.borders:
            return None
        hint, verdicts = _newest_of_others(self.borders, source.key), source.verdicts()
        days = source.days(wanted=True)
        if hint is not None:
            hinted = [day for day in days if day <= hint.last]
            if hinted and all(verdicts.get(day) is None for day in hinted):
                return source.request_for(hinted[-1])
        day = next_probe(days, verdicts)
        if day is not None and (request := source.request_for(day)) is not None:
            return request
        return self._proof_request(source, days)

    def _proof_request(self, source: _Source, days: Sequence[date]) -> Request | None:
        """Find the request that would prove the border that seems to be there, or renew it."""
        last = source.candidate(days)
        if last is None:
            seeming = last_forgotten(days, source.verdicts())
            others = source.due.get(seeming, ()) if seeming is not None else ()  # one more device is wanted
            return next((request for request in others if request not in source.unanswered), None)
        if not any(day <= last and requests for day, requests in source.due.items()):
            return None  # no call would be saved
        proof = source.proof(last)
        if proof is None or self._now - proof.asked_utc > CLAIM_AGE:
            return source.request_for(last)
        beyond = [day for day in days if day < last and source.verdicts().get(day) is False]
        if beyond and not any(source.proof(day) for day in beyond):
            return source.request_for(beyond[-1])
        return None

    def take_answer(self, probe: Request, answer: tuple[bool, int] | None) -> None:
        """Take the answer to a probe: whether it had data, and its call.

        None means that none came, so that its day says nothing.
        """
        source = self._sources[probe.endpoint, probe.level, probe.system_id]
        day = probe.period.first
        if probe in source.due.get(day, ()):
            source.due[day].remove(probe)
        self._own.pop(source.key, None)
        self._borders = None
        if answer is None:
            source.unanswered.add(probe)
            if not source.due.get(day) and day not in source.seen:
                source.lit -= {day}
            return
        has_data, call_id = answer
        before = source.seen.get(day, {}).get(probe.device_id)
        count = (before.no_data_count if before else 0) + (not has_data)
        source.seen.setdefault(day, {})[probe.device_id] = _Witness(
            probe, has_data, count, call_id, self._now
        )

    def forgotten(self) -> list[Request]:
        """List the due requests that need not be made any more."""
        return [
            request
            for key, border in self.borders.items()
            if key in self._sources
            for day, requests in self._sources[key].due.items()
            if day <= border.last
            for request in requests
        ]

    @property
    def borders(self) -> dict[BorderKey, Border]:
        """The believed border of each endpoint, level and system."""
        if self._borders is None:
            own = self.own_borders
            self._borders = {**self._proven, **own}
            for key, source in self._sources.items():
                hint = None if key in own else _newest_of_others({**self._proven, **own}, key)
                border = hint and source.border_from_hint(hint, self._now)
                if border is not None:
                    self._borders[key] = border
        return self._borders

    @property
    def own_borders(self) -> dict[BorderKey, Border]:
        """Those that the answers of the system itself prove."""
        for key, source in self._sources.items():
            if key not in self._own:
                borders = (source.proven(source.days(wanted=wanted), self._now) for wanted in (False, True))
                known = [border for border in borders if border is not None]
                self._own[key] = max(known, key=lambda border: border.last, default=None)
        return {key: border for key, border in self._own.items() if border is not None}


def kinds_worth_a_probe(due: Iterable[Request]) -> set[Kind]:
    """List the kinds of call that have enough due requests to ask where their answers end."""
    return {key[:2] for key in _due_by_source(due)}


def _newest_of_others(borders: Mapping[BorderKey, Border], key: BorderKey) -> Border | None:
    others = [border for other, border in borders.items() if other[:2] == key[:2] and other != key]
    return max(others, key=lambda border: (border.last, border.call_ids), default=None)


def _due_by_source(due: Iterable[Request]) -> dict[BorderKey, dict[date, list[Request]]]:
    """Group the requests by source and day, for sources that have enough of them."""
    found: dict[BorderKey, dict[date, list[Request]]] = {}
    for request in due:
        if request.period.grain is Grain.DAY:
            key = (request.endpoint, request.level, request.system_id)
            found.setdefault(key, {}).setdefault(request.period.first, []).append(request)
    return {key: days for key, days in found.items() if len(days) >= _WORTH_A_PROBE}


def _witnesses(answers: Answers) -> Iterator[_Witness]:
    """Read every good answer about a day."""
    for (endpoint, level), by_period in answers.by_kind.items():
        if LEVEL_GRAIN[level] is not Grain.DAY:
            continue
        for key, of_devices in by_period.items():
            period = Period.parse(Grain.DAY, key)
            for (system_id, device_id), entry in of_devices.items():
                if entry.good is not None and entry.asked_utc is not None:
                    request = Request(endpoint, level, system_id, device_id, period)
                    has_data = entry.answered is not None
                    yield _Witness(request, has_data, entry.no_data_count, entry.good, entry.asked_utc)
