"""Which calls are still needed, in which order they are worth most, and when they will be done. Pure.

Where do I go to …
    say what a plan knows of a system?            systems.py
    see which answer serves a table?              answers.py
    know when a kept answer is doubted?           evidence.py, contradictions.py
    know what answers say of a day's energy?      figures.py
    decide whether a request has to be made?      needs.py
    know why a request need not be made?          known.py
    see what there is and what is missing?        coverage.py, states.py
    find where the server's memory ends?          retention.py, horizon.py
    decide what comes first?                      order.py
    say when it will be done?                     forecast.py
    know what a day can spare for history?        allowance.py
    turn that into ranged runs?                   gaps.py
    know when to ask again what failed?           retry.py

No network, file or clock: inventory, held answers, wanted tables and the present moment are arguments.
"""

from __future__ import annotations

from aps_pipeline.planning.allowance import calls_for_history, calls_to_spare, refresh_calls_a_day
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
    trusted_substitute,
)
from aps_pipeline.planning.coverage import Outlook, coverage
from aps_pipeline.planning.evidence import LATE_DATA, DuePolicy, DueReason, due_reason, last_turn
from aps_pipeline.planning.figures import Evidence, Figure, RequestSlot, daily_figures, driving_kinds
from aps_pipeline.planning.forecast import PLANS, Forecast, forecast
from aps_pipeline.planning.gaps import Gap, Stretch, Worth, affordable
from aps_pipeline.planning.horizon import last_forgotten, next_probe
from aps_pipeline.planning.known import (
    CLAIM_AGE,
    Border,
    BorderKey,
    Claim,
    ClaimKind,
    Known,
    Reason,
    Rest,
    Spared,
    request_key,
)
from aps_pipeline.planning.needs import (
    Needs,
    Part,
    calls_for_one,
    grain_of,
    is_inventory,
    needs_of,
    periods_of,
)
from aps_pipeline.planning.order import by_worth, phases
from aps_pipeline.planning.retention import Retention
from aps_pipeline.planning.retry import (
    LONGEST_DENIAL,
    LONGEST_REST,
    REMEMBERED,
    next_attempt_day,
    resting_until,
)
from aps_pipeline.planning.states import Covered, State, merged
from aps_pipeline.planning.systems import Device, System

__all__ = [
    "CLAIM_AGE",
    "LATE_DATA",
    "LONGEST_DENIAL",
    "LONGEST_REST",
    "PLANS",
    "REMEMBERED",
    "SERVED",
    "STAND_IN",
    "Answers",
    "Border",
    "BorderKey",
    "Claim",
    "ClaimKind",
    "Covered",
    "Device",
    "DuePolicy",
    "DueReason",
    "Evidence",
    "Figure",
    "Forecast",
    "Gap",
    "HeldByKey",
    "Kind",
    "Known",
    "Needs",
    "Outlook",
    "Part",
    "Reason",
    "RequestSlot",
    "Rest",
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
    "daily_figures",
    "driving_kinds",
    "due_reason",
    "forecast",
    "grain_of",
    "is_inventory",
    "kinds_of",
    "last_forgotten",
    "last_turn",
    "merged",
    "needs_of",
    "next_attempt_day",
    "next_probe",
    "of_system",
    "periods_of",
    "phases",
    "questions_held",
    "refresh_calls_a_day",
    "request_key",
    "resting_until",
    "stand_in",
    "trusted_substitute",
]
