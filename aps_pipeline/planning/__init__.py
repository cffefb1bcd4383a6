"""Which calls are still needed, in which order they are worth most, and when they will be done. Pure.

Where do I go to …
    say what a plan knows of a system?            systems.py
    see which answer serves a table?              answers.py
    decide whether a question has to be asked?    needs.py
    know why a question need not be asked?        known.py
    see what there is and what is missing?        coverage.py, states.py
    find where the server's memory ends?          retention.py, horizon.py
    decide what comes first?                      order.py
    say when it will be done?                     forecast.py
    know what a day can spare for history?        allowance.py
    turn that into ranged runs?                   gaps.py
    know when to ask again what failed?           patience.py

No network, file or clock: inventory, held answers, wanted tables and the present moment are arguments.
"""

from __future__ import annotations

from aps_pipeline.planning.allowance import calls_for_history, calls_to_spare, refresh_calls
from aps_pipeline.planning.answers import (
    SERVED,
    STAND_IN,
    Answers,
    HeldByKey,
    Kind,
    kinds_of,
    of_system,
    questions_held,
    stand_in,
)
from aps_pipeline.planning.coverage import Outlook, coverage
from aps_pipeline.planning.forecast import PLANS, Forecast, forecast
from aps_pipeline.planning.gaps import Gap, Stretch, Worth, affordable
from aps_pipeline.planning.horizon import last_forgotten, next_probe
from aps_pipeline.planning.known import Border, Known, Reason, Spared
from aps_pipeline.planning.needs import (
    Freshness,
    Needs,
    Part,
    calls_for_one,
    grain_of,
    is_inventory,
    needs_of,
    periods_of,
)
from aps_pipeline.planning.order import by_worth, phases
from aps_pipeline.planning.patience import REMEMBERED, rests_until
from aps_pipeline.planning.retention import Retention
from aps_pipeline.planning.states import Covered, State, merged
from aps_pipeline.planning.systems import Device, System

__all__ = [
    "PLANS",
    "REMEMBERED",
    "SERVED",
    "STAND_IN",
    "Answers",
    "Border",
    "Covered",
    "Device",
    "Forecast",
    "Freshness",
    "Gap",
    "HeldByKey",
    "Kind",
    "Known",
    "Needs",
    "Outlook",
    "Part",
    "Reason",
    "Retention",
    "Spared",
    "State",
    "Stretch",
    "System",
    "Worth",
    "affordable",
    "by_worth",
    "calls_for_history",
    "calls_for_one",
    "calls_to_spare",
    "coverage",
    "forecast",
    "grain_of",
    "is_inventory",
    "kinds_of",
    "last_forgotten",
    "merged",
    "needs_of",
    "next_probe",
    "of_system",
    "periods_of",
    "phases",
    "questions_held",
    "refresh_calls",
    "rests_until",
    "stand_in",
]
