"""Where kept answers speak against one another, so that the older one is asked again. Pure.

The parts of a day follow the list of days, and that list follows the list of months. What stays contradicted
rests longer each time: a check reports it, but no more calls are spent.
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
from aps_pipeline.request import Request

_LONGEST_DOUBT = 512
"""Days that a contradicted answer rests at most."""

_UNCURED = 5
"""Days of one series that stay contradicted after they were asked again: no more of the kind are asked."""

_PANEL_ALLOWANCE = 0.05
"""kWh by which the API's own figures of one day have been seen to differ (18.90 and 18.85)."""

_NOTHING = Figure(None, 0.0, 0, datetime.min)  # noqa: DTZ901 - never compared
"""Stands for a part for which the API said that there is no data."""


class Doubt(StrEnum):
    """What speaks against a kept answer."""

    CHANGED = "a newer answer shows that its period has changed since"
    CONTRADICTED = "another answer contradicts it"


def doubt(slot: RequestSlot, evidence: Evidence, today: date) -> Doubt | None:
    """Find what speaks against an answer that came after its period was over; contradictions rest."""
    assert slot.entry.asked_utc is not None  # noqa: S101 - it was answered
    if any(f.is_correction and f.since_utc > slot.entry.asked_utc for f in drivers(slot, evidence)):
        return Doubt.CHANGED
    since = _contradicting_call(slot, evidence)
    answered_day = slot.answered_day
    if since is None or answered_day is None:
        return None
    answers = slot.entry.answers_since(since)
    rested = answers <= 1 or next_attempt_day(answers - 1, answered_day, _LONGEST_DOUBT) <= today
    return Doubt.CONTRADICTED if rested else None


def drivers(slot: RequestSlot, evidence: Evidence) -> Iterator[Figure]:
    """Find the figures of coarser series whose change means that a period has changed."""
    request, grain = slot.request, slot.request.period.grain
    sid, key = request.system_id, request.period.key
    if grain is Grain.DAY:
        if request.kind == ("inverter_batch", "power"):
            panels = evidence.series(*BATCH_ENERGY, sid, request.device_id).get(key)
            if panels is not None:
                yield panels
        own = None
        if request.endpoint == "meter_energy":
            own = evidence.series("meter_energy", "daily", sid, request.device_id).get(key)
        driver = own or evidence.series(SYSTEM_ENERGY, "daily", sid).get(key)
        if driver is not None:
            yield driver
    elif grain in (Grain.MONTH, Grain.YEAR):
        coarser = "monthly" if grain is Grain.MONTH else "yearly"
        own = evidence.series(request.endpoint, coarser, sid, request.device_id).get(key)
        if own is not None:
            yield own
        if request.endpoint != SYSTEM_ENERGY:
            finer = "daily" if grain is Grain.MONTH else "monthly"
            changed = evidence.series(SYSTEM_ENERGY, finer, sid)
            yield from (figure for inside, figure in changed.items() if inside.startswith(f"{key}-"))


def _contradicting_call(slot: RequestSlot, evidence: Evidence) -> int | None:
    """Find the call since which another kept answer contradicts this one; None if none does."""
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


def _keys_inside(request: Request) -> list[str]:
    """List the keys of the figures that an answer gives."""
    if request.period.grain is Grain.DAY:
        return [request.period.key]
    if request.period.grain is Grain.MONTH:
        return [day.isoformat() for day in request.period.days()]
    return [f"{request.period.key}-{month:02d}" for month in range(1, 13)]


def _sum_contradiction(slot: RequestSlot, evidence: Evidence) -> int | None:
    """Find the newer answer with whose month the days, or with whose year the months, do not agree."""
    request, asked_utc = slot.request, slot.entry.asked_utc
    coarser = evidence.series(
        request.endpoint,
        "monthly" if request.level == "daily" else "yearly",
        request.system_id,
        request.device_id,
    )
    whole = coarser.get(request.period.key)
    own = evidence.series(request.endpoint, request.level, request.system_id, request.device_id)
    parts = [own[key] for key in _keys_inside(request) if key in own]
    if whole is None or whole.energy_kwh is None or not parts:
        return None
    end = request.period.end_utc(slot.system.zone)
    if end is None or asked_utc is None or whole.since_utc < max(end, asked_utc):
        return None
    return whole.call_id if _differs(parts, whole) else None


def _differs(parts: Collection[Figure], whole: Figure, allowance: float = 0.0) -> bool:
    total = sum(part.energy_kwh or 0.0 for part in parts)
    slack = whole.slack_kwh + sum(part.slack_kwh for part in parts) + allowance
    return abs(total - (whole.energy_kwh or 0.0)) > slack + 1e-9


def _day_contradiction(slot: RequestSlot, evidence: Evidence) -> int | None:
    """Find the answer about a day that its parts do not add up to, or that has energy where they lack it."""
    request, table = slot.request, slot.table
    siblings = [
        each.device_id
        for each in slot.system.devices(ENDPOINTS[request.endpoint].device)
        if each.was_there(request.period)
    ]  # their parts make the day of the system together
    whole = _day_figure(slot, evidence, is_alone=len(siblings) == 1)
    if whole is None or whole.energy_kwh is None:
        return None
    end = request.period.end_utc(slot.system.zone)
    if end is None or whole.since_utc < end:  # what was still growing contradicts nothing
        return None
    if table.is_five_minute:
        return whole.call_id if whole.energy_kwh > 0 and slot.entry.answered is None else None
    ids = [request.device_id] if request.endpoint == "meter_energy" else siblings
    parts = _parts_of_day(slot, ids, evidence)
    if parts is None:
        return None
    if not _differs(parts.values(), whole, _PANEL_ALLOWANCE if request.kind == BATCH_ENERGY else 0.0):
        return None
    silent = [device for device, figure in parts.items() if figure is _NOTHING]
    if silent and request.device_id not in silent:
        return None  # those that gave nothing are asked first
    return whole.call_id


def _day_figure(slot: RequestSlot, evidence: Evidence, *, is_alone: bool) -> Figure | None:
    """Get the figure of the day that the parts of this request belong to."""
    request = slot.request
    sid, key = request.system_id, request.period.key
    if request.endpoint == "meter_energy":
        return evidence.series("meter_energy", "daily", sid, request.device_id).get(key)
    if slot.table.is_five_minute and request.endpoint == "inverter_batch":
        panels = evidence.series(*BATCH_ENERGY, sid, request.device_id).get(key)
        if panels is not None:
            return panels
    if slot.table.is_five_minute and not is_alone:
        return None
    return evidence.series(SYSTEM_ENERGY, "daily", sid).get(key)


def _parts_of_day(slot: RequestSlot, device_ids: list[str], evidence: Evidence) -> dict[str, Figure] | None:
    """Collect what each device says of the day, by device; None where an answer is missing."""
    request = slot.request
    found: dict[str, Figure] = {}
    for device_id in device_ids:
        series = evidence.series(request.endpoint, request.level, request.system_id, device_id)
        entry = slot.entry
        if device_id != request.device_id:
            entry = evidence.answers.entry_of(replace(request, device_id=device_id))
        if entry.answered is not None and request.period.key in series:
            found[device_id] = series[request.period.key]
        elif entry.good is not None and entry.answered is None:
            found[device_id] = _NOTHING
        else:
            return None
    return found


def find_uncured_series(slots: Iterable[RequestSlot], evidence: Evidence) -> set[tuple[Kind, str]]:
    """Find series whose days stay contradicted although they were asked again: kind and system.

    A check names a system whose parts never make the whole; asking each new day again gains nothing.
    """
    counts: dict[tuple[Kind, str], int] = {}
    for slot in slots:
        if slot.request.period.grain is not Grain.DAY or slot.entry.answered is None:
            continue
        since = _contradicting_call(slot, evidence)
        if since is not None and slot.entry.answers_since(since) > 1:
            key = (slot.request.kind, slot.request.system_id)
            counts[key] = counts.get(key, 0) + 1
    return {key for key, count in counts.items() if count >= _UNCURED}
