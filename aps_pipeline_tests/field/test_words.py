"""Never more than is known: what the report, the alerts and the checks say of what came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline import alerts, warehouse
from aps_pipeline.reports import write_reports
from aps_pipeline.warehouse import CheckResult
from aps_pipeline.wiring import build_warehouse
from aps_pipeline_tests.field.world import Roof, World, WorldRequest, world
from aps_pipeline_tests.warehouse.lean import check_alone, without_comments

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
ECU, I1, I2 = "203000000001", "701000000011", "701000000012"
TABLES = ("system_daily_energy", "inverter_batch_energy")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", Roof()) as found:
        yield found


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with without_comments():
        yield


def ok(data: Any) -> dict[str, Any]:
    return {"code": 0, "data": data}


def kwh_of(day: date) -> float:
    return round(1 + day.day / 100, 2)


def panels_are(
    of: Callable[[str, int, date], float | None], ecu_id: str = ECU
) -> Callable[[WorldRequest], Any]:
    """The batch energy of an ECU: that of each input, or no item where it is None."""

    def rule(request: WorldRequest) -> Any:
        if request.kind != "batch/energy" or request.device != ecu_id:
            return None
        day = date.fromisoformat(request.when)
        items = {(uid, n): of(uid, n, day) for uid in (I1, I2) for n in (1, 2)}
        return ok({"energy": [f"{uid}-{n}-{kwh}" for (uid, n), kwh in items.items() if kwh is not None]})

    return rule


def the_second_of_i2_gives(kwh: float | None) -> Callable[[str, int, date], float | None]:
    return lambda uid, n, day: kwh if (uid, n) == (I2, 2) else kwh_of(day)


def lifetimes_are(*values: float | None, uid: str = I2) -> Callable[[WorldRequest], Any]:
    """The summary of an inverter: lifetimes of its inputs; of the other one as much as you like."""

    def rule(request: WorldRequest) -> Any:
        if request.endpoint != "inverter_summary":
            return None
        given = values if request.device == uid else (900.0, 900.0)
        body: dict[str, Any] = {}
        for n, lifetime in enumerate(given, 1):
            told = None if lifetime is None else f"{lifetime:.2f}"
            body |= {
                f"d{n}": told and "0.00",
                f"m{n}": told and "0.00",
                f"y{n}": told and "0.00",
                f"t{n}": told,
            }
        return ok(body)

    return rule


def build(house: World) -> Path:
    settings = house.settings()
    pipeline = house.pipeline()
    try:
        build_warehouse(settings, pipeline, force=True)
    finally:
        pipeline.ledger.close()
    return settings.warehouse_path


def panel(path: Path, uid: str = I2, channel: int = 2) -> Mapping[str, Any]:
    (row,) = warehouse.query(
        path, f"FROM mart.panel_health WHERE inverter_id = '{uid}' AND channel = {channel}"
    ).to_pylist()
    return row


class Words(HTMLParser):
    """What a page says, one text after another."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(re.sub(r"(?s)<(style|svg).*?</\1>", "", text))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))


def report(path: Path, month: date = FIRST) -> list[str]:
    """The texts of the page of the only system."""
    pages = write_reports(path, path.parent / "reports", month, datetime(2026, 11, 27, tzinfo=UTC))
    (page,) = (page.path for page in pages if page.system_id)
    return Words(page.read_text("utf-8")).texts


def after(texts: list[str], label: str, count: int = 3) -> list[str]:
    place = texts.index(label)
    return texts[place + 1 : place + 1 + count]


def told(path: Path) -> str:
    """What an alert would say."""
    return "\n".join(message.body for message in alerts.preview(path, path.parent / "told.json", ()).messages)


def check(path: Path, name: str) -> CheckResult:
    with closing(warehouse.open_warehouse(path)) as connection:
        return check_alone(connection, name)


class TestAnInputWithoutEnergy:
    """A4: what its lifetime says of an input that gave nothing on any day held."""

    @pytest.mark.parametrize("given", [0.0, None], ids=["zeros", "no item"])
    def test_that_has_a_lifetime_is_dead_and_reported_and_counted_and_told(
        self, house: World, given: float | None
    ) -> None:
        house.rules += [panels_are(the_second_of_i2_gives(given)), lifetimes_are(1700.0, 1606.19)]
        house.collect(FIRST, LAST, (*TABLES, "inverter_summary"))
        path = build(house)
        found = panel(path)
        assert (found["class"], found["since_date"]) == ("dead input", None)
        call = found["evidence_call_id"]
        assert found["evidence"] == (
            f"lifetime 1606.19 kWh in call {call}, and no energy on the 31 days held since 2026-10-01, while "
            "another input of its inverter gives energy"
        )
        texts = report(path)
        assert after(texts, "Panels fine") == ["3", "of 4", "1 dead input"]
        assert f"Inverter {I2}, input 2 gives nothing" in texts
        assert f"has a dead input: lifetime 1606.19 kWh in call {call}" in told(path)
        assert (found["loss_kwh"] is None) == (given is None), "without a number nothing is compared"

    def test_and_a_lifetime_of_0_is_not_in_use(self, house: World) -> None:
        house.rules += [panels_are(the_second_of_i2_gives(0.0)), lifetimes_are(1700.0, 0.0)]
        house.collect(FIRST, LAST, (*TABLES, "inverter_summary"))
        path = build(house)
        found = panel(path)
        assert found["class"] == "unused channel"
        assert found["evidence"] == (
            f"lifetime 0 in call {found['evidence_call_id']} of 2026-11-27, and no energy on the 31 days "
            "held since 2026-10-01"
        )
        texts = report(path)
        assert after(texts, "Panels fine") == ["3", "of 3", "none weak, dead or silent"]
        assert any("input 2 counts as unused: lifetime 0 in call" in text for text in texts)
        assert told(path) == ""

    @pytest.mark.parametrize("second", [(None,), ()], ids=["null", "not named"])
    def test_and_no_lifetime_in_an_answer_is_not_in_use(
        self, house: World, second: tuple[float | None, ...]
    ) -> None:
        house.rules += [panels_are(the_second_of_i2_gives(0.0)), lifetimes_are(1700.0, *second)]
        house.collect(FIRST, LAST, (*TABLES, "inverter_summary"))
        found = panel(build(house))
        assert found["class"] == "unused channel"
        assert found["evidence"].startswith(f"no lifetime in call {found['evidence_call_id']} of 2026-11-27")

    def test_and_no_summary_is_unknown_until_the_command_that_is_named_has_run(self, house: World) -> None:
        house.rules += [panels_are(the_second_of_i2_gives(0.0)), lifetimes_are(1700.0, 1606.19)]
        house.collect(FIRST, LAST, TABLES)
        path = build(house)
        assert panel(path)["class"] == "unknown"
        texts = report(path)
        assert after(texts, "Panels fine") == ["3", "of 4", "1 unknown"]
        assert told(path) == ""
        page = " ".join(texts)
        assert "no lifetime is held that could tell an unused input from a dead one" in page
        assert (
            f"aps refresh --tables inverter_summary --systems {house.roofs and next(iter(house.roofs))}"
            in page
        )
        assert "never" not in page.split("Method and units")[0]
        house.collect(date(2026, 11, 26), date(2026, 11, 27), ("inverter_summary",), recheck=True)
        assert panel(build(house))["class"] == "dead input"

    def test_whose_lifetime_rises_is_unknown(self, house: World) -> None:
        house.rules += [panels_are(the_second_of_i2_gives(0.0)), lifetimes_are(1700.0, 1606.19)]
        house.collect(FIRST, LAST, (*TABLES, "inverter_summary"))
        house.clock.turn(days=2)
        house.rules[-1] = lifetimes_are(1703.0, 1609.3)
        house.collect(date(2026, 11, 28), date(2026, 11, 29), ("inverter_summary",), recheck=True)
        found = panel(build(house))
        assert found["class"] == "unknown"
        assert found["evidence"].startswith("its lifetime rose from 1606.19 kWh in call")

    def test_whose_lifetime_was_asked_before_the_days_held_is_unknown(self, house: World) -> None:
        house.rules += [panels_are(the_second_of_i2_gives(0.0)), lifetimes_are(1700.0, 0.0)]
        house.clock.instant = datetime(2026, 9, 1, 10, tzinfo=UTC)
        house.collect(date(2026, 9, 1), date(2026, 9, 1), ("inverter_summary",))
        house.clock.instant = datetime(2026, 11, 27, 10, tzinfo=UTC)
        house.collect(FIRST, LAST, TABLES)
        found = panel(build(house))
        assert found["class"] == "unknown"
        assert "its lifetime was asked before that, in call" in found["evidence"]

    def test_of_an_inverter_that_is_silent_is_not_called_dead(self, house: World) -> None:
        def silent_of_late(uid: str, n: int, day: date) -> float | None:
            return 0.0 if uid == I2 and (n == 2 or day > date(2026, 10, 25)) else kwh_of(day)

        house.rules += [panels_are(silent_of_late), lifetimes_are(1700.0, 1606.19)]
        house.collect(FIRST, LAST, (*TABLES, "inverter_summary"))
        path = build(house)
        assert [panel(path, I2, n)["class"] for n in (1, 2)] == ["offline", "offline"]
        assert panel(path, I2, 1)["since_date"] == date(2026, 10, 26)
        assert told(path).count("Inverter") >= 1 and "dead input" not in told(path)

    def test_of_an_inverter_younger_than_a_week_is_unknown(self, house: World) -> None:
        def young(uid: str, n: int, day: date) -> float | None:
            if uid == I2 and day < date(2026, 10, 27):
                return None
            return 0.0 if (uid, n) == (I2, 2) else kwh_of(day)

        house.rules += [panels_are(young), lifetimes_are(7.0, 3.0)]
        house.collect(FIRST, LAST, (*TABLES, "inverter_summary"))
        assert panel(build(house))["class"] == "unknown"


def test_the_first_dead_day_is_the_first_without_energy(house: World) -> None:
    """The 20th had energy; of the 21st and 22nd nothing is held; the 23rd is the first day without."""

    def dies(uid: str, n: int, day: date) -> float | None:
        return 0.0 if (uid, n) == (I2, 2) and day > date(2026, 10, 20) else kwh_of(day)

    house.rules.append(panels_are(dies))
    for first, last in ((FIRST, date(2026, 10, 20)), (date(2026, 10, 23), LAST)):
        house.collect(first, last, TABLES)
    path = build(house)
    found = panel(path)
    assert (found["class"], found["last_energy_date"]) == ("dead input", date(2026, 10, 20))
    assert found["since_date"] == date(2026, 10, 23)
    assert f"Inverter {I2}, input 2 gives nothing since 23 October 2026" in report(path)


def test_panels_of_an_ecu_that_answers_1001_on_lit_days_are_unknown(tmp_path: Path) -> None:
    barn = "203000000009"
    roof = Roof(ecus={ECU: (I1, I2), barn: ("701000000091",)})
    with world(tmp_path / "data", roof) as house:
        house.rules.append(
            lambda request: (
                1001
                if request.kind == "batch/energy" and request.device == barn and request.when > "2026-10-25"
                else None
            )
        )
        house.collect(FIRST, LAST, TABLES)
        path = build(house)
        found = panel(path, "701000000091", 1)
        assert (found["class"], found["evidence"]) == (
            "unknown",
            "no answer about its ECU on the newest days",
        )
        texts = report(path)
        assert after(texts, "Panels fine") == ["4", "of 6", "2 unknown"]
        assert "silent" not in told(path) and "offline" not in told(path)


class TestCounters:
    """A5: a lifetime that falls, a month above its year."""

    def test_are_named_by_a_check(self, house: World) -> None:
        summaries = iter(
            [
                {"today": "5.00", "month": "50.00", "year": "500.00", "lifetime": "12345.68"},
                {"today": "5.00", "month": "9999.00", "year": "2345.00", "lifetime": "12.00"},
                {"today": "5.00", "month": "50.00", "year": "500.00", "lifetime": "12350.00"},
            ]
        )
        house.rules.append(lambda request: ok(next(summaries)) if request.endpoint == "summary" else None)
        for _ in range(3):
            today = house.clock().date()
            house.collect(today, today, ("system_summary",), recheck=True)
            house.clock.turn(days=1)
        found = check(build(house), "counters")
        said = {(row["span"], row["finding"], row["kwh"], row["other_kwh"]) for row in found.sample}
        assert ("lifetime", "fell", 12.0, 12345.68) in said
        assert ("month", "above a longer span", 9999.0, 2345.0) in said
        assert ("year", "above a longer span", 2345.0, 12.0) in said

    def test_a_list_of_years_that_falls_is_named_by_a_check(self, house: World) -> None:
        house.collect(FIRST, LAST, ("system_yearly_energy",))
        house.clock.turn(days=1)
        house.rules.append(
            lambda request: ok(["700.00", "900.00", "100.00"]) if request.kind == "energy/yearly" else None
        )
        today = house.clock().date()
        house.collect(today, today, ("system_yearly_energy",), again=True)
        found = check(build(house), "growing_energy_fell")
        assert [(row["table_name"], row["change_kwh"] < 0) for row in found.sample] == [
            ("system_yearly_energy", True)
        ]


class TestDecimals:
    """C7: what a meter rounds to is seen from what it gave."""

    @pytest.mark.parametrize(("decimals", "off"), [(2, 0.01), (2, 0.02), (3, 0.002), (1, 0.2)])
    def test_days_within_the_decimals_of_the_meter_balance(
        self, tmp_path: Path, decimals: int, off: float
    ) -> None:
        with world(tmp_path / "data", Roof(meters=("METER1",))) as house:
            house.rules.append(meter_days(decimals, dict.fromkeys(range(1, 32, 4), off)))
            house.collect(FIRST, LAST, ("system_daily_energy", "meter_daily_energy"))
            path = build(house)
            rows = warehouse.query(path, "FROM mart.self_consumption WHERE level = 'daily'").to_pylist()
            assert len(rows) == 31 and all(row["is_balanced"] for row in rows)
            assert rows[0]["tolerance_kwh"] == pytest.approx(2 * 10**-decimals)
            assert check(path, "energy_balance meter_daily_energy").passed

    @pytest.mark.parametrize(("decimals", "off"), [(2, 0.03), (3, 0.003)])
    def test_days_beyond_them_are_left_out_and_the_rest_says_of_how_many_days_it_is(
        self, tmp_path: Path, decimals: int, off: float
    ) -> None:
        with world(tmp_path / "data", Roof(meters=("METER1",))) as house:
            house.rules.append(meter_days(decimals, dict.fromkeys(range(1, 32, 5), off)))
            house.collect(FIRST, LAST, ("system_daily_energy", "meter_daily_energy"))
            path = build(house)
            assert check(path, "energy_balance meter_daily_energy").failing == 7
            texts = report(path)
            assert "7 days left out: the four figures do not balance" in texts
            assert any(text.startswith("On 24 of 31 days, of ") for text in texts)
            autarky = after(texts, "Autarky")
            assert autarky[2].endswith("consumed on 24 of 31 days came from the roof")


def meter_days(decimals: int, off: Mapping[int, float]) -> Callable[[WorldRequest], Any]:
    """Days of October of a meter of so many decimals; on some the consumption is off by so much."""

    def rule(request: WorldRequest) -> Any:
        if request.kind != "meter/daily" or request.when != "2026-10":
            return None
        unit, flows = 10**-decimals, {"produced": [], "consumed": [], "imported": [], "exported": []}
        for day in range(1, 32):
            produced, imported = round((1237 + 7 * day) * unit, 6), round((411 + 3 * day) * unit, 6)
            exported = round((333 + day) * unit, 6)
            consumed = produced + imported - exported + off.get(day, 0.0)
            given = (produced, consumed, imported, exported)
            for name, kwh in zip(flows, given, strict=True):
                flows[name].append(f"{kwh:.{decimals}f}")
        return ok({"time": [f"{day:02d}" for day in range(1, 32)], **flows})

    return rule


def test_what_contradicts_itself_names_the_command_that_asks_again(house: World) -> None:
    """House and panels differ on two days apart from each other: two commands, not one over all between."""
    house.rules.append(panels_are(lambda uid, n, day: kwh_of(day) if day.day not in (5, 6, 20) else 0.5))
    house.rules.append(days_are(lambda day: round(4 * kwh_of(day), 2)))
    house.collect(FIRST, LAST, TABLES)
    found = check(build(house), "reconciliation_mismatch")
    system_id = next(iter(house.roofs))
    ends = f"--tables inverter_batch_energy,system_daily_energy --systems {system_id} --again"
    assert found.commands == (
        f"aps backfill --from 2026-10-20 --to 2026-10-20 {ends}",
        f"aps backfill --from 2026-10-05 --to 2026-10-06 {ends}",
    )


def days_are(of: Callable[[date], float]) -> Callable[[WorldRequest], Any]:
    def rule(request: WorldRequest) -> Any:
        if request.kind != "energy/daily" or request.when != "2026-10":
            return None
        return ok([f"{of(FIRST + timedelta(n)):.2f}" for n in range(31)])

    return rule
