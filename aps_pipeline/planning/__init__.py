"""Which calls are still needed, in which order they are worth most, and when they will be done. Pure.

Where do I go to …
    say what a plan knows of a system?            systems.py
    see which answer serves a table?              answers.py
    know when a kept answer is doubted?           evidence.py, contradictions.py
    know what answers say of a day's energy?      figures.py
    decide whether a request has to be made?      requirements.py
    know why a request need not be made?          claims.py
    see what there is and what is missing?        coverage.py, coverage_spans.py
    find where the server's memory ends?          retention.py, retention_probes.py
    decide what comes first?                      schedule.py
    say when it will be done?                     schedule.py
    know what a day can spare for history?        schedule.py
    turn that into ranged runs?                   runs.py
    know when to ask again what failed?           retry.py

No network, file or clock: inventory, kept answers, wanted tables and the present moment are arguments.
"""

from __future__ import annotations

from aps_pipeline.planning.answers import (
    SERVED,
    SUBSTITUTE,
    Answers,
    EntriesByKey,
    Kind,
    equal_request,
    kinds_of,
    requests_with_entry,
    substitute_request,
    system_request,
)
from aps_pipeline.planning.claims import (
    CLAIM_AGE,
    Border,
    BorderKey,
    Claim,
    ClaimKind,
    Rest,
    Skip,
    SkipReason,
    SkipRules,
    request_key,
)
from aps_pipeline.planning.coverage import EntriesOfSystem, Outlook, coverage
from aps_pipeline.planning.coverage_spans import (
    CoverageSpan,
    KnownCoverage,
    Standing,
    State,
    cut_spans,
    merge_states,
)
from aps_pipeline.planning.evidence import LATE_DATA, DuePolicy, DueReason, due_reason, last_turn
from aps_pipeline.planning.figures import Evidence, Figure, RequestSlot, daily_figures, driving_kinds
from aps_pipeline.planning.requirements import (
    PartitionPlan,
    RequestPart,
    calls_for_one,
    is_inventory,
    periods_of,
    plan_partitions,
)
from aps_pipeline.planning.retention import Retention, kinds_worth_a_probe
from aps_pipeline.planning.retention_probes import last_forgotten, next_probe
from aps_pipeline.planning.retry import (
    LONGEST_DENIAL,
    LONGEST_REST,
    REMEMBERED,
    next_attempt_day,
    resting_until,
)
from aps_pipeline.planning.runs import BackfillRun, Gap, Priority, select_runs
from aps_pipeline.planning.schedule import (
    PLANS,
    Forecast,
    by_priority,
    calls_for_history,
    calls_to_spare,
    forecast,
    phases,
    refresh_calls_a_day,
)
from aps_pipeline.planning.systems import Device, System

__all__ = [
    "CLAIM_AGE",
    "LATE_DATA",
    "LONGEST_DENIAL",
    "LONGEST_REST",
    "PLANS",
    "REMEMBERED",
    "SERVED",
    "SUBSTITUTE",
    "Answers",
    "BackfillRun",
    "Border",
    "BorderKey",
    "Claim",
    "ClaimKind",
    "CoverageSpan",
    "Device",
    "DuePolicy",
    "DueReason",
    "EntriesByKey",
    "EntriesOfSystem",
    "Evidence",
    "Figure",
    "Forecast",
    "Gap",
    "Kind",
    "KnownCoverage",
    "Outlook",
    "PartitionPlan",
    "Priority",
    "RequestPart",
    "RequestSlot",
    "Rest",
    "Retention",
    "Skip",
    "SkipReason",
    "SkipRules",
    "Standing",
    "State",
    "System",
    "by_priority",
    "calls_for_history",
    "calls_for_one",
    "calls_to_spare",
    "coverage",
    "cut_spans",
    "daily_figures",
    "driving_kinds",
    "due_reason",
    "equal_request",
    "forecast",
    "is_inventory",
    "kinds_of",
    "kinds_worth_a_probe",
    "last_forgotten",
    "last_turn",
    "merge_states",
    "next_attempt_day",
    "next_probe",
    "periods_of",
    "phases",
    "plan_partitions",
    "refresh_calls_a_day",
    "request_key",
    "requests_with_entry",
    "resting_until",
    "select_runs",
    "substitute_request",
    "system_request",
]
