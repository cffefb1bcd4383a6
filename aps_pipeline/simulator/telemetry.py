"""Answers slot by slot, of ECUs, meters and inverters, and the panels of a day (manual 3.3 to 3.5).

Power stands some 4.5 % above what the energies say, as in the recorded answers.
"""

from __future__ import annotations

import numpy as np

from aps_pipeline.simulator.asking import NO_DATA, ApiError, Ask
from aps_pipeline.simulator.energies import Json, missing_channels, refuse_if_not_mounted
from aps_pipeline.simulator.fleet import Ecu, Inverter
from aps_pipeline.simulator.printing import decimals, java_double, kwh2, kwh6
from aps_pipeline.simulator.production import FLOWS, EcuDay
from aps_pipeline.simulator.slots import LABELS, Ints
from aps_pipeline.simulator.sun import Floats
from aps_pipeline.simulator.weather import chance, digest

_SURPLUS = 1.045


def ecu_minutely(ask: Ask) -> Json:
    """Manual 3.3.2 `minutely`; `today` sums the printed slots, so it may miss the daily entry a little."""
    records = _daylight(ask, ask.ecu)
    energy = records.energy.sum(axis=0)
    centi = (energy + 5_000) // 10_000
    return {
        "today": kwh2(int(centi.sum())),
        "time": _labels(records),
        "power": np.rint(_watts(energy, records.steps) * _SURPLUS).astype(int).tolist(),
        "energy": [kwh2(c) for c in centi.tolist()],
    }


def meter_minutely(ask: Ask) -> Json:
    """Manual 3.4.2 `minutely`, day and night; `imported_exported` above 0 is import."""
    meter, day = ask.meter, ask.period().first
    records = ask.history.day(meter, day, ask.now)
    if not len(records.ends):
        raise ApiError(NO_DATA)
    produced, consumed, imported, exported = _watts(records.flows, records.steps)
    flows = records.flows.tolist()
    return {
        "today": {name: kwh6(sum(row)) for name, row in zip(FLOWS, flows, strict=True)},
        "time": _labels(records),
        "power": {
            "consumed": decimals(consumed, 2),
            "imported_exported": decimals(imported - exported, 2),
            "produced": decimals(produced, 2),
        },
        "energy": {name: [kwh6(v, v > 0) for v in row] for name, row in zip(FLOWS, flows, strict=True)},
    }


def inverter_minutely(ask: Ask) -> Json:
    """Manual 3.5.2 `minutely`, with `ac_p1` as in the field."""
    ecu, inverter = ask.inverter
    refuse_if_not_mounted(ask, inverter, ask.period())
    records = _daylight(ask, ecu)
    energy = records.energy[ecu.rows(inverter.uid)]
    power = _watts(energy, records.steps) * _SURPLUS
    wobble = chance(ask.history.seed, "grid", inverter.uid, ask.period().first).random((5, len(records.ends)))
    body: dict[str, Json] = {"t": _labels(records)}
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
    return body | _ac_side(ask, inverter, power.sum(axis=0), records.air_c, wobble)


def batch_power(ask: Ask) -> Json:
    """Manual 3.5.3 `power`: every channel of the day's inverters, aligned with `time`."""
    ecu = ask.ecu
    records = _daylight(ask, ecu)
    watts = np.rint(_watts(records.energy, records.steps) * _SURPLUS).astype(int).tolist()
    return {
        "time": _labels(records),
        "power": {
            f"{uid}-{channel}": list(map(str, row))
            for (uid, channel), row, mounted in zip(ecu.channels, watts, _mounted(ask, ecu), strict=True)
            if mounted
        },
    }


def batch_energy(ask: Ask) -> Json:
    """Manual 3.5.3 `energy`: `uid-channel-kWh` for every channel; some numbers as Java prints doubles."""
    ecu, day = ask.ecu, ask.period().first
    hours = ask.history.hours(ecu, day, ask.now)
    if not hours.daylight.sum():
        raise ApiError(NO_DATA)
    rows = zip(ecu.channels, hours.channels.sum(axis=1).tolist(), _mounted(ask, ecu), strict=True)
    return {
        "energy": [
            f"{uid}-{n}-{_panel_kwh(micro, uid, n, day)}" for (uid, n), micro, mounted in rows if mounted
        ]
    }


def _panel_kwh(micro: int, *names: object) -> str:
    if 0 < micro < 1_000 or digest("double", *names) % 8 == 0:
        return java_double(micro)
    return kwh6(micro)


def _daylight(ask: Ask, ecu: Ecu) -> EcuDay:
    """The daylight records of the day that is asked for. Raises ApiError 1001 when there are none."""
    records = ask.history.day(ecu, ask.period().first, ask.now).by_day()
    if not len(records.ends):
        raise ApiError(NO_DATA)
    return records


def _mounted(ask: Ask, ecu: Ecu) -> list[bool]:
    day = ask.period().first
    return [inv.covers(day) for inv in ecu.inverters for _ in range(inv.channels)]


def _labels(records: EcuDay) -> list[str]:
    return [LABELS[minute] for minute in records.minutes.tolist()]


def _watts(micro: Ints, seconds: Ints) -> Floats:
    """Mean W of micro-kWh over so many seconds; 1 micro-kWh is 3.6 J."""
    return np.asarray(3.6 * micro / seconds)


def _ac_side(ask: Ask, inverter: Inverter, power: Floats, air_c: Floats, wobble: Floats) -> dict[str, Json]:
    """AC columns; a two-channel type is single-phase, a four-channel type has three phases."""
    american = ask.system.timezone.startswith(("America/", "Canada/", "US/"))
    volts, hertz = (240.0, 60.0) if american else (230.0, 50.0)
    phases = 3 if inverter.channels > 2 else 1
    body: dict[str, Json] = {f"ac_v{n}": decimals(volts - 2 + 4 * wobble[n], 1) for n in range(1, phases + 1)}
    body |= dict.fromkeys((f"ac_v{n}" for n in range(phases + 1, 4)), None)
    return body | {
        "ac_t": decimals(air_c + 0.03 * power / inverter.channels + 4, 1),
        "ac_p1": decimals(power * 0.96, 1),
        "ac_f": decimals(hertz - 0.03 + 0.06 * wobble[4], 2),
    }
