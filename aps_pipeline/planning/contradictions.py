"""Where kept answers speak against one another, so that the older one is asked again. Pure.

The parts of a day follow the list of days, that list the list of months. What stays contradicted rests for
longer and longer: it is said, not bought.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import LIFETIME, Grain
from aps_pipeline.planning.answers import Kind
from aps_pipeline.planning.figures import BATCH_ENERGY, SYSTEM_ENERGY, Evidence, Figure, RequestSlot
from aps_pipeline.planning.retry import next_attempt_day
from aps_pipeline.planning.systems import Device
from aps_pipeline.question import Question

_LONGEST_DOUBT = 512
"""Days that a contradicted answer rests at most."""

_UNCURED = 5
"""Days of one series that stay contradicted after they were asked again: more of the kind is not bought."""

_PANEL_ALLOWANCE = 0.05
"""kWh by which the API's own figures of one day have been seen to differ (18.90 and 18.85)."""

_NOTHING = Figure(None, 0.0, 0, datetime.min)  # noqa: DTZ901 - never compared
"""Stands for a part of which the API said that there is no data."""


class Doubt(StrEnum):
    """What speaks against a kept answer."""

    CHANGED = "a newer answer shows that its period has changed since"
    CONTRADICTED = "another answer contradicts it"


def doubt(slot: RequestSlot, evidence: Evidence, today: date) -> Doubt | None:
    """Whether kept answers speak against the answer about a period that was over; contradictions rest."""
    assert slot.held.asked_utc is not None  # noqa: S101 - it was answered
    if any(f.is_correction and f.since_utc > slot.held.asked_utc for f in drivers(slot, evidence)):
        return Doubt.CHANGED
    since = _contradicting_call(slot, evidence)
    answered_day = slot.zone_day
    if since is None or answered_day is None:
        return None
    answers = slot.held.answers_since(since)
    rested = answers <= 1 or next_attempt_day(answers - 1, answered_day, _LONGEST_DOUBT) <= today
    return Doubt.CONTRADICTED if rested else None


def drivers(slot: RequestSlot, evidence: Evidence) -> Iterator[Figure]:
    """The figures of coarser series whose change means that a period has changed."""
    request, grain = slot.request, slot.request.period.grain
    sid, key = request.system_id, request.period.key
    if grain is Grain.DAY:
        yield from _day_drivers(slot, evidence)
    elif grain in (Grain.MONTH, Grain.YEAR):
        coarser = "monthly" if grain is Grain.MONTH else "yearly"
        own = evidence.series(request.endpoint, coarser, sid, request.device_id).get(key)
        if own is not None:
            yield own
        if request.endpoint != SYSTEM_ENERGY:
            finer = "daily" if grain is Grain.MONTH else "monthly"
            changed = evidence.series(SYSTEM_ENERGY, finer, sid)
            yield from (figure for inside, figure in changed.items() if inside.startswith(f"{key}-"))


def _day_drivers(slot: RequestSlot, evidence: Evidence) -> Iterator[Figure]:
    request = slot.request
    sid, day = request.system_id, request.period.first
    own = None
    if request.endpoint == "meter_energy":
        own = evidence.series("meter_energy", "daily", sid, request.device_id).get(day.isoformat())
    if request.kind == ("inverter_batch", "power"):
        panels = evidence.series(*BATCH_ENERGY, sid, request.device_id).get(day.isoformat())
        if panels is not None:
            yield panels
    driver = own or evidence.day(sid, day)
    if driver is not None:
        yield driver


def _contradicting_call(slot: RequestSlot, evidence: Evidence) -> int | None:
    """The call since which another kept answer contradicts this one; None if none does."""
    request = slot.request
    own = evidence.series(request.endpoint, request.level, request.system_id, request.device_id)
    keys = own.keys() if request.period == LIFETIME else _keys_inside(request)
    fallen = [own[key].call_id for key in keys if key in own and own[key].has_fallen]
    if fallen:
        return max(fallen) - 1  # the answer that fell is the first of the attempts
    if request.period.grain is Grain.DAY:
        return _day_contradiction(slot, evidence)
    if request.period.grain in (Grain.MONTH, Grain.YEAR) and request.level in ("daily", "monthly"):
        return _sum_contradiction(slot, evidence)
    return None


def _keys_inside(request: Question) -> list[str]:
    """The keys of the figures that an answer gives."""
    if request.period.grain is Grain.DAY:
        return [request.period.key]
    if request.period.grain is Grain.MONTH:
        return [day.isoformat() for day in request.period.days()]
    return [f"{request.period.key}-{month:02d}" for month in range(1, 13)]


def _sum_contradiction(slot: RequestSlot, evidence: Evidence) -> int | None:
    """Where days do not make their month, or months their year, and this is the older answer."""
    request, held = slot.request, slot.held
    coarser = "monthly" if request.level == "daily" else "yearly"
    whole = evidence.series(request.endpoint, coarser, request.system_id, request.device_id).get(
        request.period.key
    )
    own = evidence.series(request.endpoint, request.level, request.system_id, request.device_id)
    parts = [own[key] for key in _keys_inside(request) if key in own]
    if whole is None or whole.energy_kwh is None or not parts:
        return None
    end = request.period.end_utc(slot.system.zone)
    if end is None or held.asked_utc is None or whole.since_utc < end or whole.since_utc < held.asked_utc:
        return None
    return whole.call_id if _differs(parts, whole) else None


def _differs(parts: Collection[Figure], whole: Figure, allowance: float = 0.0) -> bool:
    total = sum(part.energy_kwh or 0.0 for part in parts)
    slack = whole.slack_kwh + sum(part.slack_kwh for part in parts) + allowance
    return abs(total - (whole.energy_kwh or 0.0)) > slack + 1e-9


def _day_contradiction(slot: RequestSlot, evidence: Evidence) -> int | None:
    """Where the parts of a day do not make the day, or give nothing although the day has energy."""
    request, table = slot.request, slot.table
    whole = next(iter(_day_wholes(slot, evidence)), None)
    if whole is None or whole.energy_kwh is None:
        return None
    end = request.period.end_utc(slot.system.zone)
    if end is None or whole.since_utc < end:  # what was still growing contradicts nothing
        return None
    if table.is_five_minute:
        return whole.call_id if whole.energy_kwh > 0 and not slot.held.answered else None
    parts = _parts_of_day(slot, evidence)
    if parts is None:
        return None
    if not _differs(parts.values(), whole, _PANEL_ALLOWANCE if request.kind == BATCH_ENERGY else 0.0):
        return None
    silent = [device for device, figure in parts.items() if figure is _NOTHING]
    if silent and request.device_id not in silent:
        return None  # those that gave nothing are asked first
    return whole.call_id


def _day_wholes(slot: RequestSlot, evidence: Evidence) -> Iterator[Figure]:
    """The figure of the day that the parts of this request belong to."""
    request = slot.request
    sid, key = request.system_id, request.period.key
    if request.endpoint == "meter_energy":
        own = evidence.series("meter_energy", "daily", sid, request.device_id).get(key)
        if own is not None:
            yield own
        return
    if slot.table.is_five_minute and request.endpoint == "inverter_batch":
        panels = evidence.series(*BATCH_ENERGY, sid, request.device_id).get(key)
        if panels is not None:
            yield panels
            return
    is_alone = len(_siblings(slot)) == 1
    if slot.table.is_five_minute and not is_alone:
        return
    whole = evidence.series(SYSTEM_ENERGY, "daily", sid).get(key)
    if whole is not None:
        yield whole


def _siblings(slot: RequestSlot) -> list[Device]:
    """The devices whose parts make the day of the system together."""
    kind = ENDPOINTS[slot.request.endpoint].device
    return [each for each in slot.system.devices(kind) if each.was_there(slot.request.period)]


def _parts_of_day(slot: RequestSlot, evidence: Evidence) -> dict[str, Figure] | None:
    """What each device says of the day, by device; None where an answer is missing."""
    request = slot.request
    ids = (
        [request.device_id] if request.endpoint == "meter_energy" else [d.device_id for d in _siblings(slot)]
    )
    found: dict[str, Figure] = {}
    for device_id in ids:
        series = evidence.series(request.endpoint, request.level, request.system_id, device_id)
        held = (
            slot.held
            if device_id == request.device_id
            else evidence.answers.of(replace(request, device_id=device_id))
        )
        if held.answered and request.period.key in series:
            found[device_id] = series[request.period.key]
        elif held.good and not held.answered:
            found[device_id] = _NOTHING
        else:
            return None
    return found


def uncured_series(slots: Iterable[RequestSlot], evidence: Evidence) -> set[tuple[Kind, str]]:
    """Series whose days stay contradicted although they were asked again: kind and system.

    A check names a system whose parts never make the whole; asking each new day again buys nothing.
    """
    counts: dict[tuple[Kind, str], int] = {}
    for slot in slots:
        if slot.request.period.grain is not Grain.DAY or not slot.held.answered:
            continue
        since = _contradicting_call(slot, evidence)
        if since is not None and slot.held.answers_since(since) > 1:
            key = (slot.request.kind, slot.request.system_id)
            counts[key] = counts.get(key, 0) + 1
    return {key for key, count in counts.items() if count >= _UNCURED}
