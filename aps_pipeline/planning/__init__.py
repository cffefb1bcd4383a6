"""Which calls are still needed, in which order they are worth most, and when they will be done. Pure.

Where do I go to …
    say what a plan knows of a system?            systems.py
    decide whether a question has to be asked?    needs.py
    find where the server's memory ends?          horizon.py
    decide what comes first?                      order.py
    say when it will be done?                     forecast.py

No network, file or clock: inventory, held answers, wanted tables and the present moment are arguments.
"""

from __future__ import annotations

from aps_pipeline.planning.forecast import PLANS, Forecast, forecast
from aps_pipeline.planning.horizon import last_forgotten, next_probe
from aps_pipeline.planning.needs import (
    Freshness,
    HeldByKey,
    Needs,
    Part,
    calls_for_one,
    grain_of,
    is_inventory,
    needs_of,
    periods_of,
)
from aps_pipeline.planning.order import by_worth, phases
from aps_pipeline.planning.systems import Device, System

__all__ = [
    "PLANS",
    "Device",
    "Forecast",
    "Freshness",
    "HeldByKey",
    "Needs",
    "Part",
    "System",
    "by_worth",
    "calls_for_one",
    "forecast",
    "grain_of",
    "is_inventory",
    "last_forgotten",
    "needs_of",
    "next_probe",
    "periods_of",
    "phases",
]
