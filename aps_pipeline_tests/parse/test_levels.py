"""Energy lists of ECUs, inverters and meters: lengths, channels, labels, open periods."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aps_pipeline.lake.validate import prepare_rows
from aps_pipeline.parse import RefusedError
from aps_pipeline.tables import REJECTED_ITEMS
from aps_pipeline_tests.parse.bodies import BODIES, KEYS
from aps_pipeline_tests.parse.served import LONG_AFTER, asked, parsed, rows

NOON = datetime(2025, 7, 20, 10, 0, tzinfo=UTC)  # 12:00 in Paris
DAY = "2025-07-20"
FLOWS = ("produced", "consumed", "imported", "exported")


def meter(labels: list[Any], values: list[Any] | None = None) -> dict[str, Any]:
    return {"time": labels} | dict.fromkeys(FLOWS, values or ["1.5"] * len(labels))


@pytest.mark.parametrize("kind", ["system", "ecu"])
def test_a_list_of_an_ecu_is_read_as_that_of_a_system(kind: str) -> None:
    for level, key in KEYS.items():
        if level:
            found = rows(
                f"{kind}_{level}_energy",
                BODIES[f"{kind}_{level}_energy"],
                asked(f"{kind}_{level}_energy", key),
            )
            assert [row["energy_kwh"] for row in found] == list(map(float, BODIES[f"{kind}_{level}_energy"]))
            assert all(row.get("ecu_id") == (None if kind == "system" else "D1") for row in found)
            assert all(row["system_id"] == "S1" and row["call_id"] == 7 for row in found)


def test_hours_of_an_ecu_have_their_bounds() -> None:
    found = rows("ecu_hourly_energy", ["1"] * 24, asked("ecu_hourly_energy", "2025-10-26"))
    lasting = [(row["end_utc"] - row["start_utc"]) / timedelta(hours=1) for row in found]
    assert lasting == [1, 1, 2, *[1] * 21] and found[0]["date"] == date(2025, 10, 26)


def test_days_of_an_ecu_say_whether_they_are_final() -> None:
    found = rows("ecu_daily_energy", ["1"] * 20, asked("ecu_daily_energy", "2025-07", NOON))
    assert [row["is_final"] for row in found] == [True] * 14 + [False] * 6


@pytest.mark.parametrize(
    ("name", "key", "right"),
    [
        ("ecu_hourly_energy", "2025-03-30", 24),
        ("ecu_daily_energy", "2024-02", 29),
        ("ecu_monthly_energy", "2025", 12),
        ("ecu_yearly_energy", "", 5),
    ],
)
def test_a_closed_period_of_an_ecu_has_every_entry(name: str, key: str, right: int) -> None:
    assert len(rows(name, ["1"] * right, asked(name, key))) == right
    for wrong in (0, right - 1, 19 if name == "ecu_yearly_energy" else right + 1):
        with pytest.raises(RefusedError, match=f"{wrong} entries where {right} belong"):
            parsed(name, ["1"] * wrong, asked(name, key))


@pytest.mark.parametrize("absent", [{}, {"e3": None, "e4": None}, {"e4": None}, {"e3": None, "new": [1]}])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_channels_that_an_inverter_has(channels: int, absent: dict[str, Any]) -> None:
    body = absent | {f"e{n}": [f"{n}.5"] * 24 for n in range(channels, 0, -1)}
    found = rows("inverter_hourly_energy", body, asked("inverter_hourly_energy", DAY))
    assert [(row["channel"], row["hour"]) for row in found] == [
        (n, hour) for n in range(1, channels + 1) for hour in range(24)
    ]
    assert all(row["energy_kwh"] == row["channel"] + 0.5 for row in found)
    assert {(row["system_id"], row["inverter_id"], row["date"]) for row in found} == {
        ("S1", "D1", date(2025, 7, 20))
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"e1": None, "e2": None},
        {"e2": ["1"] * 24},
        {"e1": ["1"] * 24, "e3": ["1"] * 24},
        {"e1": ["1"] * 23, "e2": ["1"] * 23},
        {"e1": ["1"] * 25, "e2": ["1"] * 25},
        {"e1": [["1"] * 24]},
        {"E1": ["1"] * 24},
        [["1"] * 24],
    ],
    ids=lambda body: str(body)[:40],
)
def test_channels_that_cannot_be_are_refused(body: Any) -> None:
    with pytest.raises(RefusedError):
        parsed("inverter_hourly_energy", body, asked("inverter_hourly_energy", DAY))


@pytest.mark.parametrize("bad", [["1"] * 23, ["1"] * 25, [], ["1"] * 23 + ["x"], [["1"] * 24]], ids=len)
def test_a_channel_that_cannot_be_is_refused_alone(bad: Any) -> None:
    call = asked("inverter_hourly_energy", DAY)
    got = parsed("inverter_hourly_energy", {"e1": ["1"] * 24, "e2": bad, "e3": ["3"] * 24}, call)
    assert set(got.rows["channel"].to_pylist()) == {1, 3} and got.rows.num_rows == 48
    (row,) = got.rejected.to_pylist()
    assert (row["position"], row["item"], got.items) == (1, "e2", 3) and row["reason"].startswith("e2")


def test_a_flow_of_a_meter_that_cannot_be_is_null_and_named() -> None:
    months = [f"{month:02d}" for month in range(1, 13)]
    for name, key, labels in (("meter_hourly_energy", DAY, HOURS), ("meter_monthly_energy", DAY[:4], months)):
        body = meter(labels) | {"imported": ["1"] * (len(labels) - 1)}
        got = parsed(name, body, asked(name, key))
        assert set(got.rows["imported_kwh"].to_pylist()) == {None}
        assert None not in got.rows["exported_kwh"].to_pylist() and got.rows.num_rows == len(labels)
        (row,) = got.rejected.to_pylist()
        assert (row["item"], row["position"], got.items) == ("imported", 2, 4)
        prepare_rows(REJECTED_ITEMS, (name, asked(name, key).period.first.isoformat()), got.rejected)
        with pytest.raises(RefusedError, match="entries for"):
            parsed(name, {"time": labels} | {flow: ["1"] for flow in FLOWS}, asked(name, key))


def test_what_has_no_day_refuses_the_whole() -> None:
    years = {"time": ["2024", "2025", "2026"]} | dict.fromkeys(FLOWS, ["1"] * 3)
    with pytest.raises(RefusedError, match="imported has 2 entries"):
        parsed("meter_yearly_energy", years | {"imported": ["1"] * 2}, asked("meter_yearly_energy"))


def test_an_inverter_today() -> None:
    call = asked("inverter_hourly_energy", DAY, NOON)
    found = rows(
        "inverter_hourly_energy", {"e1": ["1"] * 13 + ["0"] * 11, "e2": ["2"] * 13 + [None] * 11}, call
    )
    assert [row["hour"] for row in found] == [*range(13)] * 2, "12:00 has begun, 13:00 has not"
    assert len(rows("inverter_hourly_energy", {"e1": ["1"] * 5, "e2": ["2"] * 5}, call)) == 10
    with pytest.raises(RefusedError, match=r"channels of \[13, 12\] entries"):
        parsed("inverter_hourly_energy", {"e1": ["1"] * 13, "e2": ["2"] * 12}, call)
    with pytest.raises(RefusedError, match="not begun"):
        parsed("inverter_hourly_energy", {"e1": ["1"] * 13 + ["0"] * 11, "e2": ["2"] * 14 + ["0"] * 10}, call)


HOURS = [f"{hour:02d}" for hour in range(24)]


@pytest.mark.parametrize(
    "labels",
    [HOURS, [str(hour) for hour in range(24)], [f"{hour:02d}:00" for hour in range(24)], [*range(24)]],
    ids=["00", "0", "00:00", "number"],
)
def test_hours_of_a_meter_by_their_labels(labels: list[Any]) -> None:
    body = {"time": labels} | {
        flow: [f"{n}.{hour:02d}" for hour in range(24)] for n, flow in enumerate(FLOWS)
    }
    found = rows("meter_hourly_energy", body, asked("meter_hourly_energy", DAY))
    assert [row["hour"] for row in found] == list(range(24))
    for row in found:
        assert [row[f"{flow}_kwh"] for flow in FLOWS] == [float(f"{n}.{row['hour']:02d}") for n in range(4)]
        assert (row["meter_id"], row["date"]) == ("D1", date(2025, 7, 20))


def test_days_months_and_years_of_a_meter_by_their_labels() -> None:
    days = rows(
        "meter_daily_energy",
        meter([f"{n:02d}" for n in range(1, 30)]),
        asked("meter_daily_energy", "2024-02"),
    )
    assert [row["date"] for row in days] == [date(2024, 2, day) for day in range(1, 30)]
    days = rows(
        "meter_daily_energy", meter([f"{n}" for n in range(1, 30)]), asked("meter_daily_energy", "2024-02")
    )
    assert len(days) == 29
    months = rows(
        "meter_monthly_energy",
        meter([f"{n:02d}" for n in range(1, 13)]),
        asked("meter_monthly_energy", "2024"),
    )
    assert [row["month"] for row in months] == [date(2024, month, 1) for month in range(1, 13)]
    years = rows("meter_yearly_energy", meter(["2024", "2025", "2026"]), asked("meter_yearly_energy"))
    assert [row["year"] for row in years] == [2024, 2025, 2026], "a meter may be younger than its system"


@pytest.mark.parametrize(
    ("name", "key", "labels"),
    [
        ("meter_hourly_energy", DAY, [f"{hour:02d}" for hour in range(1, 24)]),
        ("meter_hourly_energy", DAY, HOURS[:-1]),
        ("meter_hourly_energy", DAY, [*HOURS, "24"]),
        ("meter_hourly_energy", DAY, HOURS[::-1]),
        ("meter_hourly_energy", DAY, [*HOURS[:5], *HOURS[6:], "23"]),
        ("meter_hourly_energy", DAY, [*HOURS[:5], "05:30", *HOURS[6:]]),
        ("meter_hourly_energy", DAY, [*HOURS[:5], "005", *HOURS[6:]]),
        ("meter_hourly_energy", DAY, [*HOURS[:5], "5h", *HOURS[6:]]),
        ("meter_hourly_energy", DAY, [*HOURS[:5], "٠٥", *HOURS[6:]]),
        ("meter_hourly_energy", DAY, [*HOURS[:5], None, *HOURS[6:]]),
        ("meter_hourly_energy", DAY, [*HOURS[:5], True, *HOURS[6:]]),
        ("meter_hourly_energy", DAY, []),
        ("meter_daily_energy", "2024-02", [f"{n:02d}" for n in range(29)]),
        ("meter_daily_energy", "2024-02", [f"{n:02d}" for n in range(1, 29)]),
        ("meter_daily_energy", "2024-02", [f"{n:02d}" for n in range(2, 30)]),
        ("meter_daily_energy", "2024-02", [f"{n:02d}:00" for n in range(1, 30)]),
        ("meter_monthly_energy", "2024", [f"{n:02d}" for n in range(12)]),
        ("meter_monthly_energy", "2024", [f"{n:02d}" for n in range(1, 12)]),
        ("meter_yearly_energy", "", []),
        ("meter_yearly_energy", "", ["2024", "2026"]),
        ("meter_yearly_energy", "", ["2026", "2025"]),
        ("meter_yearly_energy", "", ["2023", "2024", "2025"]),
        ("meter_yearly_energy", "", ["2025", "2026", "2027"]),
        ("meter_yearly_energy", "", ["26"]),
        ("meter_yearly_energy", "", [f"{n:02d}" for n in range(1, 13)]),
        ("meter_yearly_energy", "", ["2026"] * 3000),
    ],
    ids=lambda value: str(value)[-30:],
)  # fmt: skip
def test_labels_of_a_meter_that_do_not_fit_are_refused(name: str, key: str, labels: list[Any]) -> None:
    with pytest.raises(RefusedError):
        parsed(name, meter(labels), asked(name, key))


def test_labels_that_only_count_are_taken_where_they_fit_one_way_only() -> None:
    counted = meter([f"{n:02d}" for n in range(1, 25)])
    plain = rows("meter_hourly_energy", meter(HOURS), asked("meter_hourly_energy", DAY))
    assert rows("meter_hourly_energy", counted, asked("meter_hourly_energy", DAY)) == plain
    call = asked("meter_yearly_energy", "")
    assert call.create_date is not None
    count = call.sent_utc.year - call.create_date.year + 1
    years = rows("meter_yearly_energy", meter([f"{n:02d}" for n in range(1, count + 1)]), call)
    assert [row["year"] for row in years] == [*range(call.create_date.year, call.sent_utc.year + 1)]


def test_a_zero_for_an_hour_that_has_not_begun_is_no_measurement() -> None:
    """The hour begins in five minutes: its 0 says nothing, but its energy says that our clock lags."""
    call = asked("meter_hourly_energy", DAY, NOON.replace(minute=55))
    coming = NOON.hour + 1 + (call.zone.utcoffset(NOON) or timedelta()) // timedelta(hours=1)
    zeros = meter(HOURS, ["1"] * coming + ["0"] * (24 - coming))
    assert len(rows("meter_hourly_energy", zeros, call)) == coming
    ahead = zeros | {"consumed": ["1"] * (coming + 1) + ["0"] * (23 - coming)}
    assert len(rows("meter_hourly_energy", ahead, call)) == coming + 1


def test_a_meter_today() -> None:
    call = asked("meter_hourly_energy", DAY, NOON)
    whole = meter(HOURS, ["1"] * 13 + ["0"] * 11)
    assert [row["hour"] for row in rows("meter_hourly_energy", whole, call)] == list(range(13))
    assert len(rows("meter_hourly_energy", meter(HOURS[:9]), call)) == 9
    with pytest.raises(RefusedError, match=r"exported\[13\] gives energy for a time that has not begun"):
        parsed("meter_hourly_energy", whole | {"exported": ["1"] * 14 + ["0"] * 10}, call)
    with pytest.raises(RefusedError, match=r"time\[8\] is 9 where 8 belongs"):
        parsed("meter_hourly_energy", meter([*HOURS[:8], "09"]), call)


@pytest.mark.parametrize(
    ("at", "last"),
    [
        (datetime(2025, 12, 31, 22, 0, tzinfo=UTC), {2025}),
        (datetime(2025, 12, 31, 22, 50, tzinfo=UTC), {2025, 2026}),
        (datetime(2026, 1, 3, 12, 0, tzinfo=UTC), {2025, 2026}),
        (datetime(2026, 1, 4, 12, 0, tzinfo=UTC), {2026}),
    ],
)
def test_the_new_year_of_a_meter_may_be_missing_in_its_first_days(at: datetime, last: set[int]) -> None:
    taken = set()
    for year in range(2022, 2029):
        try:
            found = rows(
                "meter_yearly_energy",
                meter([str(n) for n in range(2022, year + 1)]),
                asked("meter_yearly_energy", at=at),
            )
        except RefusedError:
            continue
        assert [row["year"] for row in found] == list(range(2022, year + 1))
        taken.add(year)
    assert taken == last


def test_years_of_a_meter_need_no_registration() -> None:
    call = asked("meter_yearly_energy", created=None, at=LONG_AFTER)
    assert len(rows("meter_yearly_energy", meter(["2026"]), call)) == 1
    with pytest.raises(RefusedError, match="create_date"):
        parsed("inverter_yearly_energy", {"e1": ["1"]}, asked("inverter_yearly_energy", created=None))
