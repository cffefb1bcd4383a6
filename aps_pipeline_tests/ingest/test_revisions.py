"""Each answer compared with the one before it, from kept bodies alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline import parse
from aps_pipeline.ingest import KnownFleet, Summary, answer_diffs
from aps_pipeline.ingest.answer_diffs import refresh_diffs
from aps_pipeline.ledger import AnswerDiff, CallEnd, CallState, Ledger, QuotaAccount
from aps_pipeline.parse import PARSERS, ParseContext, Parsed, RefusedError
from aps_pipeline.periods import LIFETIME, Grain, Period, zone
from aps_pipeline.planning import System
from aps_pipeline.request import Request
from aps_pipeline_tests.clocks import Clock
from aps_pipeline_tests.parse.bodies import BODIES
from aps_pipeline_tests.sites import Site

MARCH, DAY = Period(Grain.MONTH, date(2024, 3, 1)), Period(Grain.DAY, date(2024, 3, 5))
DAYS = Request("system_energy", "daily", "S1", "", MARCH)
LATER = datetime(2024, 4, 2, 12, tzinfo=UTC)
REVISION = timedelta(days=5)
ACCOUNT = QuotaAccount("app", 100_000, 0, zone("UTC"))
WHOLE = ["1.5"] * 31
NO_DATA = None


def without(*days: int) -> list[str | None]:
    """Energies of March without those of some days."""
    return [None if day in days else "1.5" for day in range(1, 32)]


@dataclass
class Kept:
    """A ledger into which answers are written by hand, a day apart."""

    ledger: Ledger
    clock: Clock
    newest: dict[Request, int] = field(default_factory=dict)
    fleet: KnownFleet = field(
        default_factory=lambda: KnownFleet({"S1": System("S1", zone("UTC"), date(2024, 1, 1))}, {})
    )

    def answer(self, data: Any, request: Request = DAYS) -> int:
        """A good answer with these data, or that there are none; its call_id."""
        call_id = self.ledger.reserve(request, ACCOUNT, self.newest.get(request, 0)).call_id
        state, code = (CallState.NO_DATA, 1001) if data is NO_DATA else (CallState.ANSWERED, 0)
        body = json.dumps({"code": code, "data": data})
        self.ledger.finish(call_id, CallEnd(state, 200, code, body=body, simulated=True))
        self.newest[request] = call_id
        self.clock.turn(days=1)
        return call_id

    def answers(self, *data: Any) -> list[int]:
        return [self.answer(each) for each in data]

    def compare(self) -> int:
        return refresh_diffs(self.ledger, self.fleet, REVISION)

    @property
    def found(self) -> list[AnswerDiff]:
        return self.ledger.list_diffs()

    def counts(self, *names: str) -> list[tuple[Any, ...]]:
        """Some fields of every comparison, in order."""
        return [tuple(getattr(each, name) for name in names) for each in self.found]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    clock = Clock(LATER)
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", now=clock)
    yield Kept(ledger, clock)
    ledger.close()


def test_a_revised_day_shows_by_how_much(kept: Kept) -> None:
    first, second = kept.answers(WHOLE, ["2.25", *WHOLE[1:]])
    assert kept.compare() == 1
    (found,) = kept.found
    assert found == AnswerDiff(
        call_id=second, table_name="system_daily_energy", previous_call_id=first, was_over=True,
        rows_before=31, rows_after=31, rows_new=0, rows_gone=0,
        numbers_before=31, numbers_after=31, numbers_changed=1, numbers_gone=0, numbers_missing=0,
        energy_before_kwh=46.5, energy_after_kwh=47.25,
    )  # fmt: skip
    assert found.is_difference


def test_an_answer_that_stayed_the_same_is_no_difference(kept: Kept) -> None:
    kept.answers(WHOLE, WHOLE)
    assert kept.compare() == 1
    assert not kept.found[0].is_difference


def test_a_period_that_was_still_growing_is_told_from_one_that_was_over(kept: Kept) -> None:
    kept.clock.instant = datetime(2024, 3, 31, 12, tzinfo=UTC)
    kept.answers(WHOLE, WHOLE, WHOLE)
    kept.compare()
    assert kept.counts("was_over") == [(False,), (True,)]


def test_all_time_is_never_over(kept: Kept) -> None:
    years = Request("system_energy", "yearly", "S1", "", LIFETIME)
    for energy in ("10", "20"):
        kept.answer([energy], years)
    kept.compare()
    assert kept.counts("was_over", "energy_before_kwh", "energy_after_kwh") == [(False, 10.0, 20.0)]


def test_no_data_after_data_is_everything_gone_and_nothing_is_no_zero(kept: Kept) -> None:
    kept.answers(NO_DATA, NO_DATA, WHOLE, NO_DATA, NO_DATA)
    assert kept.compare() == 2
    names = ("rows_new", "rows_gone", "numbers_gone", "energy_before_kwh", "energy_after_kwh")
    assert kept.counts(*names) == [(31, 0, 0, None, 46.5), (0, 31, 31, 46.5, None)]


def test_the_second_time_there_is_nothing_to_do(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.answers(WHOLE, WHOLE, without(3))
    assert kept.compare() == 2
    monkeypatch.setattr(kept.ledger, "read_bodies", None)
    assert kept.compare() == 0


def test_only_what_is_new_is_compared(kept: Kept) -> None:
    a, b = kept.answers(WHOLE, without(3))
    assert kept.compare() == 1
    (c,) = kept.answers(WHOLE)
    assert kept.compare() == 1
    assert kept.counts("previous_call_id", "call_id") == [(a, b), (b, c)]


# Answers one after the other, and how many numbers each lacks that were given before.
CHAINS: dict[str, tuple[Sequence[Any], list[int]]] = {
    "lost and back": ((WHOLE, without(3, 4), WHOLE), [2, 0]),
    "lost for good": ((WHOLE, without(3, 4), without(3, 4), without(3, 4)), [2, 2, 2]),
    "one back, another lost": ((WHOLE, without(3), without(4), WHOLE), [1, 1, 0]),
    "back later than given": ((without(4), without(3), WHOLE), [1, 0]),
    "given in turns": ((without(4), without(3), without(4)), [1, 1]),
    "no data between": ((WHOLE, NO_DATA, without(3), WHOLE), [31, 1, 0]),
    "no data twice": ((WHOLE, NO_DATA, NO_DATA, without(3), without(3)), [31, 1, 1]),
    "data at last": ((NO_DATA, NO_DATA, without(3), WHOLE), [0, 0]),
}


@pytest.mark.parametrize("one_by_one", [False, True], ids=["all at once", "one by one"])
@pytest.mark.parametrize("portion", [1, 50])
@pytest.mark.parametrize("name", CHAINS)
def test_what_was_given_once_and_is_missing_is_counted(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, name: str, one_by_one: bool, portion: int
) -> None:
    monkeypatch.setattr(answer_diffs, "_PORTION", portion)
    chain, missing = CHAINS[name]
    for data in chain:
        kept.answer(data)
        if one_by_one:
            kept.compare()
    kept.compare()
    assert [each.numbers_missing for each in kept.found] == missing


def test_a_lost_day_is_not_made_good_by_the_days_that_follow(kept: Kept) -> None:
    kept.clock.instant = datetime(2024, 3, 10, 12, tzinfo=UTC)
    for day in (10, 11, 12):
        kept.answer([None if n == 3 and day > 10 else "1.5" for n in range(1, day + 1)])
    kept.compare()
    assert kept.counts("rows_new", "numbers_gone", "numbers_missing") == [(1, 1, 1), (1, 0, 1)]


def test_one_answer_is_compared_in_each_table_that_it_feeds(kept: Kept) -> None:
    request = Request("inverter_energy", "minutely", "S1", "I1", DAY)
    body = BODIES["inverter_dc_telemetry"]
    kept.answer(body, request)
    kept.answer({**body, "ac_t": ["31.5", None, "33"], "dc_e1": ["0.010", "0", "0.0001"]}, request)
    assert kept.compare() == 1
    names = ("table_name", "numbers_changed", "numbers_gone", "energy_before_kwh", "energy_after_kwh")
    assert kept.counts(*names) == [
        ("inverter_ac_telemetry", 0, 1, None, None),
        ("inverter_dc_telemetry", 1, 0, 0.0183, 0.0193),
    ]


def test_questions_are_compared_each_for_itself(kept: Kept) -> None:
    april = Request("system_energy", "daily", "S1", "", Period(Grain.MONTH, date(2024, 2, 1)))
    for data in (WHOLE, without(3)):
        kept.answer(data)
        kept.answer(data[:29], april)
    assert kept.compare() == 2
    assert sorted(kept.counts("rows_before", "numbers_gone")) == [(29, 1), (31, 1)]


def test_inventory_and_summaries_are_not_compared(kept: Kept) -> None:
    for endpoint in ("system_details", "system_inverters", "system_summary"):
        for _ in range(2):
            kept.answer({}, Request(endpoint, "", "S1"))
    assert kept.compare() == 0


def test_a_body_that_no_longer_parses_stops_nothing_and_stays_open(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, b, c, d = kept.answers(WHOLE, without(3), without(4), without(5))
    right = PARSERS["system_daily_energy"]

    def stricter(table: Any, data: Any, asked: ParseContext) -> Parsed:
        if asked.call_id == b:
            raise RefusedError("seen to be wrong only now")
        return right(table, data, asked)

    monkeypatch.setitem(parse.PARSERS, "system_daily_energy", stricter)
    assert kept.compare() == 1
    assert kept.counts("call_id", "previous_call_id", "numbers_missing") == [(d, c, 1)]
    monkeypatch.setitem(parse.PARSERS, "system_daily_energy", right)
    assert kept.compare() == 2
    assert [each.call_id for each in kept.found] == [b, c, d]


def test_a_body_that_was_lost_and_an_unknown_system_stay_open(kept: Kept) -> None:
    kept.answer(WHOLE)
    call_id = kept.ledger.reserve(DAYS, ACCOUNT, kept.newest[DAYS]).call_id
    kept.ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, simulated=True))
    for data in (WHOLE, without(3)):
        kept.answer(data, Request("system_energy", "daily", "S2", "", MARCH))
    assert kept.compare() == 0 and kept.found == []


def test_a_rebuild_forgets_and_the_next_comparison_finds_the_same(site: Site) -> None:
    day, tables = date(2024, 3, 19), ("system_hourly_energy", "inverter_batch_energy")
    site.collect(day, day, tables)
    site.clock.turn(days=6)
    site.collect(day, day, tables, revise=True)
    calls, pipeline = site.calls, site.pipeline()
    assert pipeline.refresh_diffs() == 2 + 3
    before = pipeline.ledger.list_diffs()
    assert [each.is_difference for each in before] == [False] * 5
    list(pipeline.rebuild(Summary()))
    assert pipeline.ledger.list_diffs() == []
    assert pipeline.refresh_diffs() == 5 and pipeline.refresh_diffs() == 0
    assert pipeline.ledger.list_diffs() == before and site.calls == calls
    pipeline.ledger.close()
