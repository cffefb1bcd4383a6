"""Answers slot by slot, of ECUs, meters and inverters, and the panels of a day (manual 3.3 to 3.5).

Power stands some 4.5 % above what the energies say, as in the recorded answers.
"""

from __future__ import annotations

import numpy as np

from aps_pipeline.simulator.energies import Json, missing_channels, refuse_unmounted
from aps_pipeline.simulator.fleet import Ecu, Inverter
from aps_pipeline.simulator.printing import decimals, java_double, kwh2, kwh6
from aps_pipeline.simulator.production import FLOWS, Ints, Records
from aps_pipeline.simulator.request import NO_DATA, ApiError, SimRequest
from aps_pipeline.simulator.weather import Floats, digest, draw

_SURPLUS = 1.045


def ecu_minutely(request: SimRequest) -> Json:
    """Answer manual 3.3.2 `minutely`; `today` sums printed slots, so it may miss the daily entry a little."""
    records = _daylight(request, request.ecu)
    energy = records.energy.sum(axis=0)
    centi = (energy + 5_000) // 10_000
    return {
        "today": kwh2(int(centi.sum())),
        "time": records.labels,
        "power": np.rint(_watts(energy, records.steps) * _SURPLUS).astype(int).tolist(),
        "energy": [kwh2(c) for c in centi.tolist()],
    }


def meter_minutely(request: SimRequest) -> Json:
    """Answer manual 3.4.2 `minutely`, day and night; `imported_exported` above 0 is import."""
    meter, day = request.meter, request.period().first
    records = request.history.day(meter, day, request.now)
    if not len(records.ends):
        raise ApiError(NO_DATA)
    produced, consumed, imported, exported = _watts(records.flows, records.steps)
    flows = records.flows.tolist()
    return {
        "today": {name: kwh6(sum(row)) for name, row in zip(FLOWS, flows, strict=True)},
        "time": records.labels,
        "power": {
            "consumed": decimals(consumed, 2),
            "imported_exported": decimals(imported - exported, 2),
            "produced": decimals(produced, 2),
        },
        "energy": {name: [kwh6(v, v > 0) for v in row] for name, row in zip(FLOWS, flows, strict=True)},
    }


def inverter_minutely(request: SimRequest) -> Json:
    """Answer manual 3.5.2 `minutely`, with `ac_p1` as in the field."""
    ecu, inverter = request.inverter
    refuse_unmounted(request, inverter, request.period())
    records = _daylight(request, ecu)
    energy = records.energy[ecu.rows(inverter.uid)]
    power = _watts(energy, records.steps) * _SURPLUS
    shape = 5, len(records.ends)
    wobble = draw(shape, request.history.seed, "grid", inverter.uid, request.period().first)
    body: dict[str, Json] = {"t": records.labels}
    for n, (watts, micro) in enumerate(zip(power, energy.tolist(), strict=True), 1):
        volts = 31.0 + 6.0 * np.minimum(watts / 60.0, 1.0) - 0.08 * records.air_c + wobble[0]
        body |= {
            f"dc_p{n}": decimals(watts, 1),
            f"dc_i{n}": decimals(watts / volts, 2),
            f"dc_v{n}": decimals(volts, 1),
            f"dc_e{n}": [kwh6(v, v > 0) for v in micro],
        }
    for n in missing_channels(inverter):
        body |= dict.fromkeys((f"dc_{kind}{n}" for kind in "pive"), None)
    return body | _ac_side(request, inverter, power.sum(axis=0), records.air_c, wobble)


def batch_power(request: SimRequest) -> Json:
    """Answer manual 3.5.3 `power`: every channel of the day's inverters, aligned with `time`."""
    ecu = request.ecu
    records = _daylight(request, ecu)
    watts = np.rint(_watts(records.energy, records.steps) * _SURPLUS).astype(int).tolist()
    return {
        "time": records.labels,
        "power": {
            f"{uid}-{channel}": list(map(str, row))
            for (uid, channel), row, mounted in zip(
                ecu.channels, watts, _mount_flags(request, ecu), strict=True
            )
            if mounted
        },
    }


def batch_energy(request: SimRequest) -> Json:
    """Answer manual 3.5.3 `energy`: `uid-channel-kWh` by channel; some numbers as Java prints doubles."""
    ecu, day = request.ecu, request.period().first
    hours = request.history.hours(ecu, day, request.now)
    if not hours.daylight.sum():
        raise ApiError(NO_DATA)
    rows = zip(ecu.channels, hours.channels.sum(axis=1).tolist(), _mount_flags(request, ecu), strict=True)
    return {
        "energy": [
            f"{uid}-{n}-{_panel_kwh(micro, uid, n, day)}" for (uid, n), micro, mounted in rows if mounted
        ]
    }


def _panel_kwh(micro: int, *names: object) -> str:
    if 0 < micro < 1_000 or digest("double", *names) % 8 == 0:
        return java_double(micro)
    return kwh6(micro)


def _daylight(request: SimRequest, ecu: Ecu) -> Records:
    """Look up the daylight records of the requested day. Raises ApiError 1001 when there are none."""
    records = request.history.day(ecu, request.period().first, request.now)
    if not records.daylight.any():
        raise ApiError(NO_DATA)
    return records.take(records.daylight)


def _mount_flags(request: SimRequest, ecu: Ecu) -> list[bool]:
    day = request.period().first
    return [inv.covers(day) for inv in ecu.inverters for _ in range(inv.channels)]


def _watts(micro: Ints, seconds: Ints) -> Floats:
    """Compute mean W of micro-kWh over those seconds; 1 micro-kWh is 3.6 J."""
    return np.asarray(3.6 * micro / seconds)


def _ac_side(
    request: SimRequest, inverter: Inverter, power: Floats, air_c: Floats, wobble: Floats
) -> dict[str, Json]:
    """Make the AC columns; a two-channel type is single-phase, a four-channel type has three phases."""
    american = request.system.timezone.startswith(("America/", "Canada/", "US/"))
    volts, hertz = (240.0, 60.0) if american else (230.0, 50.0)
    phases = 3 if inverter.channels > 2 else 1
    body: dict[str, Json] = {f"ac_v{n}": decimals(volts - 2 + 4 * wobble[n], 1) for n in range(1, phases + 1)}
    body |= dict.fromkeys((f"ac_v{n}" for n in range(phases + 1, 4)), None)
    return body | {
        "ac_t": decimals(air_c + 0.03 * power / inverter.channels + 4, 1),
        "ac_p1": decimals(power * 0.96, 1),
        "ac_f": decimals(hertz - 0.03 + 0.06 * wobble[4], 2),
    }
