"""The checks of meters, inverters and 5-minute tables: what each finds, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aps_pipeline import warehouse
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse import CheckResult, checks
from aps_pipeline_tests.warehouse.conftest import LATE, Plant

DAY, NEXT_DAY, AUTUMN = date(2024, 3, 5), date(2024, 3, 6), date(2024, 10, 27)
MONTH = date(2024, 3, 1)
LEVELS = ("hourly", "daily", "monthly", "yearly")
NOON = datetime(2024, 3, 5, 11, 0, tzinfo=UTC)
SOON = datetime(2024, 3, 6, tzinfo=UTC)


def flows(produced: float | None, imported: float, consumed: float, exported: float) -> dict[str, Any]:
    names = ("produced_kwh", "imported_kwh", "consumed_kwh", "exported_kwh")
    return dict(zip(names, (produced, imported, consumed, exported), strict=True))


WITHIN, BEYOND = flows(1.0, 0.3, 1.1, 0.202), flows(1.0, 0.3, 1.1, 0.203)
FINE, COARSE = flows(0.1, 0.0, 0.1, 0.00002), flows(0.1, 0.0, 0.1, 0.00003)
LACKS = flows(None, 9.0, 0.0, 0.0)

QUARTERS = {f"12:{minute:02d}": 0.1 for minute in range(0, 60, 5)}
"""Twelve slots of one hour: 1.2 kWh, which 13 roundings to 2 decimals let be 0.065 off."""
AGAIN = {f"02:{minute:02d}": 0.1 for minute in range(0, 60, 5)}
TWICE = AGAIN | {f"{label}'": energy for label, energy in AGAIN.items()}
LATE_MORNING = {f"11:{minute:02d}": 0.1 for minute in range(0, 60, 5)}
HOURS: dict[str, tuple[date, dict[str, float | None], int, float | None, bool]] = {
    # day, slots, hour, its energy, whether it is found
    "agrees": (DAY, QUARTERS, 12, 1.2, False),
    "rounds_up": (DAY, QUARTERS, 12, 1.26, False),
    "rounds_down": (DAY, QUARTERS, 12, 1.14, False),
    "too_much": (DAY, QUARTERS, 12, 1.27, True),
    "too_little": (DAY, QUARTERS, 12, 1.13, True),
    "zero": (DAY, QUARTERS, 12, 0.0, True),
    "hour_null": (DAY, QUARTERS, 12, None, False),
    "slot_null": (DAY, QUARTERS | {"12:30": None}, 12, 1.3, False),
    "slot_null_and_yet_more": (DAY, QUARTERS | {"12:30": None}, 12, 0.9, True),
    "ten_minutes": (DAY, {"12:00": 0.1, "12:10": 0.1}, 12, 0.3, True),
    "gap_inside": (DAY, {"12:00": 0.1, "12:15": 0.1}, 12, 0.3, False),
    "gap_before": (DAY, {"11:45": 0.1, "12:00": 0.1}, 12, 0.3, False),
    "gap_after": (DAY, {"12:55": 0.1, "13:10": 0.1}, 12, 0.3, False),
    "both_folds": (AUTUMN, TWICE, 2, 2.4, False),
    "one_fold": (AUTUMN, TWICE, 2, 1.2, True),
    "other_hour": (DAY, LATE_MORNING, 12, 9.9, False),
}


SLOT = {"date": DAY, "label": "12:00", "fold": 0, "end_utc": NOON}


def seed_hour(
    plant: Plant,
    system_id: str,
    day: date,
    slots: dict[str, float | None],
    hour: int,
    energy: float | None,
    slots_sent: datetime = LATE,
    hours_sent: datetime = LATE,
) -> None:
    """Slots of an ECU, and one hour of it."""
    plant.system(system_id)
    plant.slots(day, slots, slots_sent, system_id)
    plant.add(
        "ecu_hourly_energy", hours_sent, system_id=system_id, ecu_id="E1", date=day, hour=hour,
        start_utc=NOON, end_utc=NOON, energy_kwh=energy,
    )  # fmt: skip


def seed_meters(plant: Plant) -> None:
    levels = {"hourly": {"date": DAY, "hour": 1}, "daily": {"date": DAY}, "monthly": {"month": MONTH}}
    for level, when in {**levels, "yearly": {"year": 2024}}.items():
        for meter_id, figures in (("within", WITHIN), ("beyond", BEYOND), ("lacks", LACKS)):
            plant.add(f"meter_{level}_energy", meter_id=meter_id, **when, **figures)
    for meter_id, figures in (("within", FINE), ("beyond", COARSE), ("lacks", LACKS)):
        plant.add("meter_power", meter_id=meter_id, **SLOT, **figures)
    for n in range(8):
        when = {**SLOT, "label": f"12:{n * 5:02d}", "end_utc": NOON + timedelta(minutes=5 * n)}
        for meter_id, off in (("two_decimals", 0.02), ("two_decimals_beyond", 0.03 if n == 7 else 0.02)):
            produced, imported, exported = 0.11 + n / 100, 0.22 + n / 100, 0.05 + n / 100
            consumed = round(produced + imported - exported + off, 2)
            plant.add(
                "meter_power", meter_id=meter_id, **when, **flows(produced, imported, consumed, exported)
            )


def seed_inverters(plant: Plant) -> None:
    plant.inverter("known")
    plant.inverter("elsewhere", system_id="S2")
    for inverter_id in ("known", "elsewhere", "new"):
        plant.add("inverter_ac_telemetry", inverter_id=inverter_id, **SLOT)
        for channel in (1, 2):
            plant.add("inverter_daily_energy", inverter_id=inverter_id, channel=channel, date=DAY)


@pytest.fixture(scope="module")
def failed(shared_plant: Plant) -> dict[str, CheckResult]:
    """The checks that fail, with every failing row as their sample."""
    plant = shared_plant
    for system_id, (day, slots, hour, energy, _) in HOURS.items():
        seed_hour(plant, system_id, day, slots, hour, energy)
    seed_hour(plant, "slots_open", DAY, QUARTERS, 12, 9.9, slots_sent=SOON)
    seed_hour(plant, "hours_open", DAY, QUARTERS, 12, 9.9, hours_sent=SOON)
    seed_hour(plant, "midnight", DAY, {"23:55": 0.1}, 0, 0.0)
    ends = {**SLOT, "label": "00:00", "end_utc": datetime(2024, 3, 5, 23, 0, tzinfo=UTC)}
    plant.add("ecu_power", system_id="midnight", ecu_id="E1", energy_kwh=5.0, **ends)
    seed_meters(plant)
    seed_inverters(plant)
    plant.build()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "_SAMPLE", 1000)
        return failing(plant)


def failing(plant: Plant) -> dict[str, CheckResult]:
    with warehouse.open_warehouse(plant.path) as connection:
        return {result.name: result for result in warehouse.run_checks(connection) if not result.passed}


def test_only_what_was_planted_fails(failed: dict[str, CheckResult]) -> None:
    assert {name: (result.severity, result.failing) for name, result in failed.items()} == {
        "slots_against_hours": ("warning", sum(is_found for *_, is_found in HOURS.values())),
        **{f"energy_balance meter_{level}_energy": ("warning", 1) for level in LEVELS},
        "energy_balance meter_power": ("warning", 2),
        "unknown_inverters inverter_daily_energy": ("warning", 2),
        "unknown_inverters inverter_ac_telemetry": ("warning", 2),
    }


def test_hours_that_their_slots_do_not_add_up_to(failed: dict[str, CheckResult]) -> None:
    found = {row["system_id"]: row for row in failed["slots_against_hours"].sample}
    assert set(found) == {system_id for system_id, (*_, is_found) in HOURS.items() if is_found}
    row = found["too_much"]
    assert (row["date"], row["hour"], row["slots"], row["slots_kwh"], row["hour_kwh"]) == (
        DAY, 12, 12, 1.2, 1.27,
    )  # fmt: skip
    assert (row["residual_kwh"], float(row["tolerance_kwh"])) == (-0.07, 0.065)


@pytest.mark.parametrize(
    ("table", "tolerance", "residual"),
    [*((f"meter_{level}_energy", "0.002", -0.003) for level in LEVELS), ("meter_power", "0.00002", -0.00003)],
)
def test_energy_that_does_not_balance(
    failed: dict[str, CheckResult], table: str, tolerance: str, residual: float
) -> None:
    result = failed[f"energy_balance {table}"]
    beyond = [("beyond", residual)] + [("two_decimals_beyond", -0.03)] * (table == "meter_power")
    assert [(row["meter_id"], row["residual_kwh"]) for row in result.sample] == beyond
    assert f"within {tolerance} kWh" in result.meaning


def test_inverters_that_the_inventory_never_named(failed: dict[str, CheckResult]) -> None:
    rows = failed["unknown_inverters inverter_daily_energy"].sample
    assert [(row["system_id"], row["inverter_id"], row["row_count"]) for row in rows] == [
        ("S1", "elsewhere", 2),
        ("S1", "new", 2),
    ]


def test_the_meters_of_the_manual_balance() -> None:
    """3.4.2: what is measured at 23:57, and today's sums."""
    today = flows(2.356180, 3.712280, 5.996600, 0.071860)
    now = flows(0.0, 0.01562, 0.015620, 0.0)
    for figures in (today, now):
        produced, imported, consumed, exported = figures.values()
        assert round(produced + imported - consumed - exported, 6) == 0


def test_rows_in_a_view_that_break_the_declaration_are_found(plant: Plant) -> None:
    plant.inverter("I1")
    for fold in (0, 1):
        plant.add("inverter_ac_telemetry", inverter_id="I1", **{**SLOT, "fold": fold})
    plant.build()
    path = Path(plant.lake.path(TABLES["inverter_ac_telemetry"], (str(DAY),)))
    rows = pq.read_table(path)
    twice, absent = rows.slice(0, 1), rows.slice(1, 1)
    no_label = absent.set_column(
        absent.schema.get_field_index("label"), "label", [pa.array([None], pa.string())]
    )
    pq.write_table(pa.concat_tables([twice, twice, no_label], promote_options="permissive"), path)
    found = {name: (result.severity, result.failing) for name, result in failing(plant).items()}
    assert found == {
        "unique_key inverter_ac_telemetry": ("error", 1),
        "not_null inverter_ac_telemetry": ("error", 1),
    }


def test_a_call_that_came_after_the_build_is_not_unknown(plant: Plant) -> None:
    plant.slots(DAY, {"12:00": 0.1})
    plant.build()
    plant.slots(NEXT_DAY, {"12:00": 0.1}, SOON)
    plant.write()
    assert len(plant.query("FROM core.ecu_power")) == 2
    assert failing(plant) == {}
    plant.rows["ecu_power"][0]["call_id"] = 0
    plant.write()
    assert set(failing(plant)) == {"known_call ecu_power"}
