"""A good body for every table of `served.READ`, small enough to read."""

from __future__ import annotations

from typing import Any

DAY = "2025-07-20"
_TIME = ["10:00", "10:05", "10:15"]
_HOURS = [f"0.{hour:02d}" for hour in range(24)]
_DAYS = [f"{day}.5" for day in range(1, 32)]
_MONTHS = [f"{month}.25" for month in range(1, 13)]
_YEARS = ["286.90", "224.15", "559.36", "878.86", "3.10"]
_TOTALS = {"today": "2.072822", "month": "283.90", "year": "2776.78", "lifetime": "18503.54"}
_FLOWS = ("produced", "consumed", "imported", "exported")


def _of_meter(labels: list[str], values: list[str]) -> dict[str, Any]:
    return {"time": labels} | {flow: [f"{n}{value}" for value in values] for n, flow in enumerate(_FLOWS, 1)}


def _minutely() -> dict[str, Any]:
    body: dict[str, Any] = {"t": _TIME}
    for n in (1, 2):
        body |= {
            f"dc_p{n}": [f"{n}10.5", "120.0", None],
            f"dc_i{n}": [f"{n}.1", "2.2", ""],
            f"dc_v{n}": ["33.1", f"3{n}.5", "34"],
            f"dc_e{n}": ["0.009", "0", f"{n}.0E-4"],
        }
    body |= {f"dc_{kind}{n}": None for kind in "pive" for n in (3, 4)}
    return body | {
        "ac_v1": ["230.1", "231", "229.9"],
        "ac_v2": ["230.2", "232", "229.8"],
        "ac_v3": ["230.3", "233", "229.7"],
        "ac_t": ["31.5", "-2", "33"],
        "ac_p1": ["210.1", "230", "0"],
        "ac_f": ["50.01", "49.99", "50"],
    }


_LISTS = {"hourly": _HOURS, "daily": _DAYS, "monthly": _MONTHS, "yearly": _YEARS}
_LABELS = {
    "hourly": [f"{hour:02d}" for hour in range(24)],
    "daily": [f"{day:02d}" for day in range(1, 32)],
    "monthly": [f"{month:02d}" for month in range(1, 13)],
    "yearly": ["2022", "2023", "2024", "2025", "2026"],
}
KEYS = {"hourly": DAY, "daily": DAY[:7], "monthly": DAY[:4], "yearly": "", "": ""}

BODIES: dict[str, Any] = {
    **{f"system_{level}_energy": values for level, values in _LISTS.items()},
    **{f"ecu_{level}_energy": values for level, values in _LISTS.items()},
    **{
        f"inverter_{level}_energy": {"e1": values, "e2": [f"1{v}" for v in values], "e3": None}
        for level, values in _LISTS.items()
    },
    **{f"meter_{level}_energy": _of_meter(_LABELS[level], values) for level, values in _LISTS.items()},
    "ecu_power": {"today": "18.90", "time": _TIME, "power": [12, 240, 0], "energy": ["0.01", "0.02", "0"]},
    "meter_power": {
        "today": {"produced": "2.356180", "consumed": "5.9966", "imported": "3.712280", "exported": "0.07"},
        "time": _TIME,
        "power": {
            "produced": ["0.00", "120.5", "300"],
            "consumed": ["167.96", "120", "80.5"],
            "imported_exported": ["167.96", "-0.5", "-219.5"],
        },
        "energy": {
            "produced": ["0.00000", "0.010", "0.025"],
            "consumed": ["0.015620", "0.01", "0.0067"],
            "imported": ["0.01562", "0", "0"],
            "exported": ["0", "0.00004", "1.83E-2"],
        },
    },
    "inverter_batch_power": {
        "time": _TIME,
        "power": {
            "701000001234-1": ["45", "56", "78"],
            "701000001234-2": ["46", None, "79"],
            "2030000001236-002405253708-4": [1, 2.5, ""],
        },
    },
    "inverter_dc_telemetry": _minutely(),
    "inverter_ac_telemetry": _minutely(),
    "system_summary": _TOTALS,
    "ecu_summary": _TOTALS,
    "meter_summary": {
        span: {flow: f"{m}{n}.5" for n, flow in enumerate(_FLOWS)} for m, span in enumerate(_TOTALS, 1)
    },
    "inverter_summary": {
        **{f"{letter}{n}": f"{n}{m}.5" for n in (1, 2) for m, letter in enumerate("dmyt")},
        **{f"{letter}{n}": None for n in (3, 4) for letter in "dmyt"},
    },
}
