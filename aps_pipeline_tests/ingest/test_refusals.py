"""Answers that cannot be right, and faults that pass: what is lost, what is asked again, what heals."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline import parse
from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest import Summary
from aps_pipeline.parse import PARSERS, ParseContext, Parsed, RefusedError
from aps_pipeline.simulator import Fault
from aps_pipeline_tests.sites import EAST, WEST, Site, fewest_calls, serving

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 6)
HOURS = "system_hourly_energy"


def test_a_short_list_is_refused_alone_and_healed_by_exactly_one_call(tmp_path: Path) -> None:
    short = Fault("short", endpoint=f"energy/{EAST}", date_range="2024-03-05", times=1)
    with serving(tmp_path, [short]) as site:
        fewest = fewest_calls(site.simulator.fleet, FIRST, LAST)
        run = site.collect(FIRST, LAST)
        assert site.calls == fewest, "an answer that cannot be right is not asked twice in one run"
        assert run.summary.failure_kinds == {FailureKind.REFUSED}
        bad = [result for result in run.results if not result.is_complete]
        assert [(result.table.name, result.key) for result in bad] == [(HOURS, "2024-03-05")]
        assert "23 entries where 24 belong" in bad[0].remark
        assert set(site.frame(HOURS, date="2024-03-05")["system_id"]) == {WEST}
        run = site.collect(FIRST, LAST)
        assert site.calls == fewest + 1 and run.summary.calls == 1
        assert run.of(HOURS, "2024-03-05").calls == 1 and run.summary.complete == run.summary.partitions
        assert set(site.frame(HOURS, date="2024-03-05")["system_id"]) == {EAST, WEST}


@pytest.mark.parametrize(
    "kind", ["5000", "1000", "6000", "7002", "7003", "http500", "html", "reset", "truncate"]
)
def test_a_fault_that_passes_is_not_seen(tmp_path: Path, kind: str) -> None:
    with serving(tmp_path, [Fault(kind, endpoint="hourly", times=2)]) as site:
        run = site.collect(FIRST, LAST, (HOURS,), max_in_flight=1)
        assert run.summary.complete == run.summary.partitions and not run.summary.failures
        assert run.summary.calls == site.calls == 2 * 3 + 2 * 3 + 2


@pytest.mark.parametrize("kind", ["5000", "html", "truncate", "http503"])
def test_a_fault_that_stays_costs_three_tries_and_only_its_partition(tmp_path: Path, kind: str) -> None:
    with serving(tmp_path, [Fault(kind, endpoint="hourly", date_range="2024-03-06")]) as site:
        run = site.collect(FIRST, LAST, (HOURS,))
        assert run.summary.failure_kinds == {FailureKind.REMOTE} and run.summary.stop is None
        assert [r.key for r in run.results if not r.is_complete] == ["2024-03-06"]
        assert site.calls == 2 * 3 + 2 * 2 + 2 * 3
        site.simulator.faults.clear()
        run = site.collect(FIRST, LAST, (HOURS,))
        assert run.summary.calls == 2 and run.summary.complete == run.summary.partitions


def test_json_that_breaks_off_is_refused_and_kept(tmp_path: Path) -> None:
    with serving(tmp_path, [Fault("badjson", endpoint="hourly", date_range="2024-03-06")]) as site:
        run = site.collect(FIRST, LAST, (HOURS,), system_ids=(EAST,))
        assert run.summary.failure_kinds == {FailureKind.REFUSED}
        site.simulator.faults.clear()
        run = site.collect(FIRST, LAST, (HOURS,), system_ids=(EAST,))
        assert run.summary.calls == 1 and run.summary.complete == run.summary.partitions


def test_json_that_breaks_off_may_come_first(tmp_path: Path) -> None:
    with serving(tmp_path, [Fault("badjson", times=1)]) as site:
        run = site.collect(FIRST, LAST, (HOURS,))
        assert run.summary.complete == run.summary.partitions, "it tells nothing of where it came from"


def test_a_host_that_answers_nothing_is_given_up(tmp_path: Path) -> None:
    with serving(tmp_path, [Fault("html", endpoint="hourly")]) as site:
        run = site.collect(date(2024, 2, 10), LAST, (HOURS,))
        assert run.summary.stop and run.summary.stop.kind is FailureKind.REMOTE
        assert site.calls < 6 + 3 * 12


def test_a_refused_parameter_is_not_asked_twice(tmp_path: Path) -> None:
    with serving(tmp_path, [Fault("4001", endpoint="hourly", date_range="2024-03-06")]) as site:
        run = site.collect(FIRST, LAST, (HOURS,))
        assert run.summary.failure_kinds == {FailureKind.REFUSED}
        assert site.simulator.counts.by_code[4001] == 2
        assert [r.key for r in run.results if not r.is_complete] == ["2024-03-06"]


def test_details_of_another_system_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, [Fault("otherid", endpoint=f"details/{EAST}")]) as site:
        run = site.collect(FIRST, LAST, (HOURS,))
        assert FailureKind.REFUSED in run.summary.failure_kinds
        assert set(site.frame(HOURS)["system_id"]) == {WEST}


def test_a_better_parser_takes_refused_answers_at_no_cost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = PARSERS[HOURS]

    def too_strict(name: str, data: Any, asked: ParseContext) -> Parsed:
        if asked.period.key == "2024-03-05":
            raise RefusedError("a parser with a bug")
        return right(name, data, asked)

    monkeypatch.setitem(parse.PARSERS, HOURS, too_strict)
    run = site.collect(FIRST, LAST, (HOURS,))
    assert len(run.summary.failures) == 2
    monkeypatch.setitem(parse.PARSERS, HOURS, right)
    calls = site.calls
    run = site.collect(FIRST, LAST, (HOURS,))
    assert site.calls == calls and run.summary.complete == run.summary.partitions
    assert set(site.frame(HOURS, date="2024-03-05")["system_id"]) == {EAST, WEST}


def test_an_answer_that_no_longer_parses_is_asked_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.collect(FIRST, LAST, (HOURS,))
    calls, right = site.calls, PARSERS[HOURS]
    bodies: list[Any] = []

    def stricter(name: str, data: Any, asked: ParseContext) -> Parsed:
        if asked.period.key == "2024-03-05" and asked.system_id == EAST and not bodies:
            bodies.append(data)
            raise RefusedError("seen to be wrong only now")
        return right(name, data, asked)

    monkeypatch.setitem(parse.PARSERS, HOURS, stricter)
    pipeline = site.pipeline()
    summary = Summary()
    list(pipeline.rebuild(summary))
    pipeline.ledger.close()
    assert [failure.request.system_id for failure in summary.failures] == [EAST]
    run = site.collect(FIRST, LAST, (HOURS,))
    assert run.summary.complete == run.summary.partitions
    assert site.calls <= calls + 1


def test_panel_strings_are_refused_one_by_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.collect(FIRST, FIRST, ("systems", "ecus", "inverters"))
    right = PARSERS["inverter_batch_energy"]

    def with_rubbish(name: str, data: Any, asked: ParseContext) -> Parsed:
        return right(name, {"energy": [*data["energy"], "702000000111-1", "x-1-٣"]}, asked)

    monkeypatch.setitem(parse.PARSERS, "inverter_batch_energy", with_rubbish)
    run = site.collect(FIRST, FIRST, ("inverter_batch_energy",), system_ids=(EAST,))
    result = run.of("inverter_batch_energy", "2024-03-04")
    assert (result.rows, result.rejected, result.is_complete) == (6, 2, True)
    rejected = site.frame("rejected_items").sort_values("position")
    assert rejected["item"].tolist() == ["702000000111-1", "x-1-٣"]
    assert rejected["position"].tolist() == [6, 7]
    assert set(rejected["source_table"].astype(str)) == {"inverter_batch_energy"}
    again = site.collect(FIRST, FIRST, ("inverter_batch_energy",), system_ids=(EAST,))
    assert again.of("inverter_batch_energy", "2024-03-04").rejected == 2
    monkeypatch.setitem(parse.PARSERS, "inverter_batch_energy", right)
    pipeline = site.pipeline()
    list(pipeline.rebuild(Summary()))
    pipeline.ledger.close()
    assert not list((site.data_dir / "lake/core/rejected_items").rglob("*.parquet"))
