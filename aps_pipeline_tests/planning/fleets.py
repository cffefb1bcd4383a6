"""Any system, any answers, any knowledge: strategies for properties of planning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from aps_pipeline.periods import zone
from aps_pipeline.planning import (
    Answers,
    Border,
    Device,
    DuePolicy,
    Evidence,
    SkipRules,
    System,
    periods_of,
)
from aps_pipeline.request import LedgerEntry
from aps_pipeline.tables import FETCHED, Table

FIRST, LAST = date(2024, 2, 25), date(2024, 3, 12)
REVISION = timedelta(days=3)
ZONES = ("Asia/Kathmandu", "America/New_York", "Pacific/Auckland")
FACTS = [table for table in FETCHED if table.group != "inventory" and not table.is_snapshot]

days = st.dates(FIRST, LAST)
instants = st.datetimes(datetime(2024, 2, 26), datetime(2024, 3, 25)).map(lambda t: t.replace(tzinfo=UTC))


@st.composite
def devices(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[Device, ...]:
    """Some of those devices, perhaps added or removed on some day."""
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    return tuple(Device(name, draw(st.none() | days), draw(st.none() | days)) for name in sorted(chosen))


@st.composite
def systems(draw: st.DrawFn) -> System:
    """A system; its only ECU may have been shown equal to it at some levels."""
    ecus = draw(devices(("E1", "E2")))
    levels = st.sampled_from(("hourly", "daily", "monthly", "yearly"))
    equal = st.frozensets(st.tuples(st.sampled_from(("E1", "E2")), levels))
    return System(
        "S1",
        zone(draw(st.sampled_from(ZONES))),
        draw(st.none() | days),
        ecus,
        draw(devices(("I1", "I2", "I3"))),
        draw(devices(("M1",))),
        ecus,
        draw(equal),
    )


@st.composite
def held(draw: st.DrawFn, now: datetime) -> LedgerEntry:
    """What may be held of a request, asked at some time before now."""
    sent = draw(st.none() | st.datetimes(datetime(2024, 2, 25), now.replace(tzinfo=None)))
    refused, failed = draw(st.sampled_from((None, 71))), draw(st.sampled_from((None, 72)))
    if sent is None:
        return LedgerEntry(refused=refused, failed=failed)
    at = sent.replace(tzinfo=UTC)
    if draw(st.booleans()):
        return LedgerEntry(answered=5, refused=refused, answered_utc=at, asked_utc=at, good_ids="5")
    return LedgerEntry(no_data=6, refused=refused, asked_utc=at, good_ids="6", no_data_count=1)


@dataclass(frozen=True)
class Case:
    """A table of one system, what is held of it, and what is known."""

    table: Table
    system: System
    answers: Answers
    known: SkipRules
    policy: DuePolicy

    @property
    def evidence(self) -> Evidence:
        """What is held, without a figure that could contradict it."""
        return Evidence(answers=self.answers)


@st.composite
def cases(draw: st.DrawFn, *, revises: bool = True) -> Case:
    """Any of them."""
    table, system, now = draw(st.sampled_from(FACTS)), draw(systems()), draw(instants)
    found = {}
    kinds = {(table.source.endpoint, table.source.level), ("system_energy", table.source.level)}
    names = ("", "E1", "E2", "I1", "I2", "I3", "M1")
    for kind in sorted(kinds):
        keys = [("S1", name, p.key) for p in periods_of(table, FIRST, LAST) for name in names]
        found[kind] = {
            key: draw(held(now)) for key in draw(st.lists(st.sampled_from(keys), unique=True, max_size=12))
        }
    idle = {"S1": dict.fromkeys(draw(st.sets(days, max_size=4)), 91)}
    borders = {}
    if draw(st.booleans()):
        borders[*table.source.kind, "S1"] = Border(draw(days), (92,), now)
    policy = DuePolicy(now, REVISION, LAST, revises and draw(st.booleans()))
    return Case(table, system, Answers.from_entries(found), SkipRules(idle, borders), policy)


__all__ = ["FIRST", "LAST", "Case", "cases"]
