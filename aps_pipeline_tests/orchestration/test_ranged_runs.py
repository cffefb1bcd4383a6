"""A run over a range: one event for each partition, and the ones that fail are red alone."""

from __future__ import annotations

import dagster as dg
import pytest

from aps_pipeline.ingest import PartitionResult
from aps_pipeline.orchestration import materialize
from aps_pipeline.periods import Grain, Period
from aps_pipeline.simulator import Fault
from aps_pipeline.tables import TABLES
from aps_pipeline_tests.orchestration.conftest import Dagster
from aps_pipeline_tests.sites import EAST

DAYS = ("2024-03-05", "2024-03-11")
KEYS = [f"2024-03-{day:02}" for day in range(5, 12)]


def test_each_partition_has_one_event_with_its_own_rows_and_calls(dagster: Dagster) -> None:
    told = dagster.run(["system_hourly_energy"], *DAYS)

    assert told.success
    events = told.events("system_hourly_energy")
    assert sorted(map(str, events)) == KEYS
    expected = {"dagster/partition_row_count": 48, "rows": 48, "calls": 2, "no_data": 0, "rejected": 0}
    # In New York 2024-03-10 has a skipped hour, but a row for it all the same.
    assert all(facts == expected for facts in events.values())


def test_inventory_that_came_along_is_told_as_well(dagster: Dagster) -> None:
    told = dagster.run(["system_hourly_energy"], *DAYS)

    assert [told.events(name)[None]["rows"] for name in ("systems", "ecus", "inverters", "meters")] == [
        2,
        3,
        4,
        1,
    ]
    assert dagster.site.calls == 6 + 14


def test_a_failing_day_is_red_alone_and_relaunching_it_makes_its_missing_calls_only(dagster: Dagster) -> None:
    dagster.site.simulator.faults.append(Fault("5000", endpoint=EAST, date_range="2024-03-07"))
    told = dagster.run(["system_hourly_energy"], *DAYS)

    assert not told.success
    assert sorted(map(str, told.events("system_hourly_energy"))) == [
        key for key in KEYS if key != "2024-03-07"
    ]
    assert told.failure.startswith(
        "1 of 7 partitions of core.system_hourly_energy are not complete; run it again"
    )
    assert "2024-03-07: " in told.failure
    assert "code 5000" in told.failure

    dagster.site.simulator.faults.clear()
    before = dagster.site.calls
    again = dagster.run(["system_hourly_energy"], "2024-03-07")
    assert again.success
    assert dagster.site.calls - before == 1, "the other system has answered already"
    assert again.events("system_hourly_energy")["2024-03-07"]["rows"] == 48
    assert dagster.run(["system_hourly_energy"], *DAYS).success
    assert dagster.site.calls - before == 1

    key = dg.AssetKey(["core", "system_hourly_energy"])
    assert dagster.instance.get_materialized_partitions(key) == set(KEYS)


def test_many_failures_are_one_bounded_message(dagster: Dagster) -> None:
    dagster.site.simulator.faults.append(Fault("4001", endpoint="inverter_batch"))
    told = dagster.run(["inverter_batch_energy"], "2024-02-15", "2024-03-15")

    assert not told.events("inverter_batch_energy")
    assert told.failure.startswith("30 of 30 partitions")
    assert "and 22 more" in told.failure
    assert len(told.failure) < 4000


def test_a_day_without_data_is_green_with_the_reason(dagster: Dagster) -> None:
    dagster.site.simulator.faults.append(Fault("1001", endpoint="system_energy", date_range="2024-03-06"))
    told = dagster.run(["system_hourly_energy"], "2024-03-05", "2024-03-07")

    assert told.success
    facts = told.events("system_hourly_energy")["2024-03-06"]
    assert (facts["rows"], facts["calls"], facts["no_data"]) == (0, 2, 2)
    assert facts["remark"] == "no data (1001)"


def test_a_day_before_installation_is_green_with_the_reason_and_costs_nothing(dagster: Dagster) -> None:
    dagster.run(["systems"])
    before = dagster.site.calls
    told = dagster.run(["system_hourly_energy"], "2024-02-02")

    assert told.success
    assert told.events("system_hourly_energy")["2024-02-02"]["remark"].startswith(
        "nothing to ask: before inst"
    )  # type: ignore[attr-defined]
    assert dagster.site.calls == before


@pytest.mark.parametrize(
    ("table", "key", "rows", "calls"),
    [
        ("system_daily_energy", "2024-02", 29, 1),
        ("system_monthly_energy", "2024", 6, 2),
        ("inverter_batch_energy", "2024-03-12", 10, 3),
    ],
)
def test_every_length_of_partition(dagster: Dagster, table: str, key: str, rows: int, calls: int) -> None:
    told = dagster.run([table], key)
    assert told.success
    facts = told.events(table)[key]
    assert (facts["rows"], facts["calls"]) == (rows, calls)


def test_tables_without_partitions(dagster: Dagster) -> None:
    told = dagster.run(["systems", "ecus", "inverters", "meters", "system_yearly_energy"])
    assert told.success
    rows = {name: told.events(name)[None]["rows"] for name in ("systems", "ecus", "system_yearly_energy")}
    assert rows == {"systems": 2, "ecus": 3, "system_yearly_energy": 2}
    assert "| EAST000000000001 |" in str(told.events("systems")[None]["preview"])


def test_what_a_day_refused_is_told_of_the_table_it_lies_in() -> None:
    class Context:
        def __init__(self) -> None:
            self.told: list[dg.AssetMaterialization] = []

        def log_event(self, event: dg.AssetMaterialization) -> None:
            self.told.append(event)

    day = Period.parse(Grain.DAY, "2024-03-06")
    for table, rejected in (("inverter_batch_energy", 2), ("inverter_batch_energy", 0)):
        context = Context()
        result = PartitionResult(TABLES[table], day, 9, calls=1, asked=1, rejected=rejected)
        materialize.log_materialization(context, result)  # type: ignore[arg-type]
        told = {event.asset_key.path[-1]: event.metadata["rows"].value for event in context.told}
        assert told == {"inverter_batch_energy": 9} | ({"rejected_items": 2} if rejected else {})


def test_calls_end_with_the_quota_and_the_rest_stays_open(dagster: Dagster) -> None:
    dagster.site.simulator.faults.append(Fault("2005", endpoint="system_energy", date_range="2024-03-08"))
    told = dagster.run(["system_hourly_energy"], *DAYS)

    assert not told.success
    assert "2024-03-08" not in told.events("system_hourly_energy")
    assert "calls ended early: " in told.failure
    assert "2005" in told.failure and "another tool" in told.failure and "come back after" in told.failure


def test_a_refresh_asks_a_day_once_more_when_its_revision_days_have_ended(dagster: Dagster) -> None:
    day = dagster.site.clock.instant.date()
    range_ = (f"{day.replace(day=day.day - 6)}", f"{day.replace(day=day.day - 1)}")
    dagster.run(["system_hourly_energy"], *range_)
    dagster.site.clock.turn(days=1, hours=1)

    asked = dagster.site.calls
    dagster.run(["system_hourly_energy"], *range_)
    plain = dagster.site.calls - asked
    told = dagster.run(["system_hourly_energy"], *range_, aps_revise="true")
    revised = dagster.site.calls - asked - plain
    assert told.success
    assert plain == 0
    assert 2 <= revised <= 2 + 6, "a day of both systems, and what of the inventory has its turn"
    asked = dagster.site.calls
    assert dagster.run(["system_hourly_energy"], *range_, aps_revise="true").success
    assert dagster.site.calls == asked, "once a day at most"


def test_a_run_tagged_again_asks_whatever_is_held(dagster: Dagster) -> None:
    dagster.run(["system_hourly_energy"], *DAYS)
    asked = dagster.site.calls
    assert dagster.run(["system_hourly_energy"], *DAYS).success and dagster.site.calls == asked
    told = dagster.run(["system_hourly_energy"], *DAYS, aps_again="true")
    assert told.success and len(told.events("system_hourly_energy")) == 7
    assert dagster.site.calls - asked == 2 * 7, "the hours of both systems"


def test_a_run_with_a_number_of_calls_makes_no_more_for_each_table(dagster: Dagster) -> None:
    dagster.run(["systems", "inverters", "meters"])
    before = dagster.site.calls
    told = dagster.run(["system_hourly_energy"], *DAYS, aps_max_calls="5")
    assert not told.success and "calls ended early" in told.failure
    assert dagster.site.calls - before == 5
    wrong = dagster.run(["system_hourly_energy"], *DAYS, aps_max_calls="-1")
    assert not wrong.success and wrong.failure == "the tag aps/max_calls is no number of calls: '-1'"
    assert dagster.run(["system_hourly_energy"], *DAYS).success
    assert dagster.site.calls - before == 14
