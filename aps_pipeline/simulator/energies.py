"""Answers that are sums: summaries, and energy by hour, day, month and year (manual 3.2 to 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aps_pipeline.periods import Grain, Period
from aps_pipeline.simulator.fleet import Ecu, Inverter
from aps_pipeline.simulator.history import Sums, sub_periods
from aps_pipeline.simulator.printing import kwh2, kwh2_of_micro, kwh3, kwh6
from aps_pipeline.simulator.production import FLOWS, Ints
from aps_pipeline.simulator.request import NO_DATA, ApiError, SimRequest
from aps_pipeline.simulator.weather import digest

Json = object

_SPANS = (("today", Grain.DAY), ("month", Grain.MONTH), ("year", Grain.YEAR), ("lifetime", Grain.LIFETIME))


def summary(request: SimRequest) -> Json:
    """Answer manual 3.2.1 and 3.3.1; `today` is null before the first production of the day."""
    ecus = _with_inverters(request.ecus)
    sums = {name: _sums_of(request, ecus, grain) for name, grain in _SPANS}
    today = sum(int(s.channels.sum()) for s in sums["today"])
    produced = any(s.daylight for s in sums["today"])
    body: dict[str, Json] = {
        name: kwh2(sum(int(s.centi) for s in each)) for name, each in sums.items() if name != "today"
    }
    return {**body, "today": kwh6(today) if produced else None}


def energy(request: SimRequest) -> Json:
    """Answer manual 3.2.2 and 3.3.2 except `minutely`; a system is the sum of what its ECUs print."""
    ecus, period = _with_inverters(request.ecus), request.period()
    if request.route.level == "hourly":
        days = [request.history.hours(ecu, period.first, request.now) for ecu in ecus]
        measured = np.sum([s.daylight for s in days], axis=0)
        hours = np.sum([s.centi for s in days], axis=0)
        _refuse_if_empty(request, period, measured)
        return [kwh2(v, n > 0) for v, n in zip(hours.tolist(), measured.tolist(), strict=True)]
    spans = sub_periods(request.system, period, request.now.today)
    sums = [[request.history.period_sums(ecu, part, request.now) for ecu in ecus] for part in spans]
    _refuse_if_empty(request, period, [int(s.daylight) for each in sums for s in each])
    return [kwh2(sum(int(s.centi) for s in each), any(s.daylight for s in each)) for each in sums]


def meter_summary(request: SimRequest) -> Json:
    """Answer manual 3.4.1; `today` is null before the first record of the day."""
    spans = {name: _sums_of(request, (request.meter,), grain)[0] for name, grain in _SPANS}
    return {
        name: None if name == "today" and not sums.records else _by_flow(kwh6(int(v)) for v in sums.flows)
        for name, sums in spans.items()
    }


def meter_energy(request: SimRequest) -> Json:
    """Answer manual 3.4.2 except `minutely`: labels and four lists."""
    meter, period = request.meter, request.period()
    if request.route.level == "hourly":
        hours = request.history.hours(meter, period.first, request.now)
        _refuse_if_empty(request, period, hours.records)
        columns = [
            [kwh3(v, n > 0) for v, n in zip(row, hours.records, strict=True)] for row in hours.flows.tolist()
        ]
        return {"time": [f"{hour:02d}" for hour in range(24)], **_by_flow(columns)}
    days = sub_periods(request.system, period, request.now.today)
    sums = [request.history.period_sums(meter, part, request.now) for part in days]
    _refuse_if_empty(request, period, [int(s.records) for s in sums])
    columns = [[kwh3(int(s.flows[n]), bool(s.records)) for s in sums] for n in range(len(FLOWS))]
    return {"time": [part.key[-2:] if period.key else part.key for part in days], **_by_flow(columns)}


def inverter_summary(request: SimRequest) -> Json:
    """Answer manual 3.5.1: d, m, y and t of each channel; null without data, d until it produces."""
    ecu, inverter = request.inverter
    rows = ecu.rows(inverter.uid)
    body: dict[str, Json] = {}
    for letter, (_, grain) in zip("dmyt", _SPANS, strict=True):
        sums = _sums_of(request, (ecu,), grain)[0]
        mounted = _is_mounted(request, inverter, Period.containing(grain, request.now.today))
        has_data = mounted and (letter != "d" or bool(sums.daylight))
        for channel, micro in enumerate(sums.channels[rows].tolist(), 1):
            body[f"{letter}{channel}"] = _inverter_sum(grain)(micro, True) if has_data else None
        body |= dict.fromkeys((f"{letter}{n}" for n in missing_channels(inverter)), None)
    return body


def inverter_energy(request: SimRequest) -> Json:
    """Answer manual 3.5.2 except `minutely`: a list for each channel, null while it was not mounted."""
    (ecu, inverter), period = request.inverter, request.period()
    refuse_unmounted(request, inverter, period)
    rows = ecu.rows(inverter.uid)
    columns: Sequence[Sequence[Json]]
    if request.route.level == "hourly":
        hours = request.history.hours(ecu, period.first, request.now)
        _refuse_if_empty(request, period, hours.daylight)
        channels = hours.channels[rows].tolist()
        columns = [[kwh6(v, n > 0) for v, n in zip(row, hours.daylight, strict=True)] for row in channels]
    else:
        spans = sub_periods(request.system, period, request.now.today)
        sums = [request.history.period_sums(ecu, part, request.now) for part in spans]
        mounted = [_is_mounted(request, inverter, part) for part in spans]
        _refuse_if_empty(request, period, [int(s.daylight) * m for s, m in zip(sums, mounted, strict=True)])
        text = _inverter_sum(Grain.DAY if period.grain is Grain.MONTH else Grain.MONTH)
        columns = [
            [
                text(int(s.channels[n]), bool(s.daylight)) if m else None
                for s, m in zip(sums, mounted, strict=True)
            ]
            for n in range(rows.start, rows.stop)
        ]
    body: dict[str, Json] = {f"e{n}": list(column) for n, column in enumerate(columns, 1)}
    return body | {f"e{n}": None for n in missing_channels(inverter)}


def missing_channels(inverter: Inverter) -> range:
    """List the channels that the inverter lacks but names, as null; half of them leave them out."""
    named = 4 if digest("names missing channels", inverter.uid) % 2 else inverter.channels
    return range(inverter.channels + 1, named + 1)


def refuse_unmounted(request: SimRequest, inverter: Inverter, period: Period) -> None:
    """Raise ApiError 1001 if the inverter was on the roof on no day of the period."""
    if not _is_mounted(request, inverter, period):
        raise ApiError(NO_DATA)


def _is_mounted(request: SimRequest, inverter: Inverter, period: Period) -> bool:
    return inverter.since <= min(period.last, request.now.today) and period.first < inverter.until


def _with_inverters(ecus: tuple[Ecu, ...]) -> tuple[Ecu, ...]:
    """Select the ECUs that have inverters. Raises ApiError 1001 if all have storage alone."""
    found = tuple(ecu for ecu in ecus if ecu.inverters)
    if not found:
        raise ApiError(NO_DATA)
    return found


def _sums_of(request: SimRequest, ecus: tuple[Ecu, ...], grain: Grain) -> list[Sums]:
    """Sum the current day, month, year or the lifetime of each ECU."""
    period = Period.containing(grain, request.now.today)
    return [request.history.period_sums(ecu, period, request.now) for ecu in ecus]


def _refuse_if_empty(request: SimRequest, period: Period, records: Ints | list[int]) -> None:
    """Raise ApiError 1001 for a closed period without a record; a current one has entries of 0."""
    if not np.any(records) and period.last < request.now.today:
        raise ApiError(NO_DATA)


def _inverter_sum(grain: Grain) -> Callable[[int, bool], str]:
    return kwh6 if grain is Grain.DAY else kwh2_of_micro


def _by_flow(values: object) -> dict[str, Json]:
    return dict(zip(FLOWS, values, strict=True))  # type: ignore[call-overload]
