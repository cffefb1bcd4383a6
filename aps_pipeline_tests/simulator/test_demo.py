"""The demo fleet: what goes wrong on its roofs, when, and what its owners would write down of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from statistics import median

import pytest

from aps_pipeline.simulator import NAMES, Fleet, Simulator, awkward_fleet, demo_fleet, healthy_fleet
from aps_pipeline.simulator.demo import roof_of, tariffs_of
from aps_pipeline_tests.simulator.caller import code, data, panels

PARIS, CALGARY, LORD_HOWE = healthy_fleet().system_ids


@pytest.fixture(scope="module", params=[2025, 2027])
def year(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def demo(year: int) -> Simulator:
    return Simulator(demo_fleet(year), now=lambda: datetime(year + 1, 1, 15, tzinfo=UTC))


def given(sim: Simulator, sid: str, ecu: str, day: str) -> dict[tuple[str, int], float]:
    """kWh of every panel of an ECU on a day."""
    batch = f"{sid}/devices/inverter/batch/energy/{ecu}"
    return {panel: float(kwh) for panel, kwh in panels(data(sim, batch, "energy", day)["energy"]).items()}


def listed(sim: Simulator, sid: str) -> set[str]:
    return {inverter["uid"] for ecu in data(sim, f"inverters/{sid}") for inverter in ecu["inverter"]}


def test_a_panel_in_paris_is_dead_since_the_21st_of_november(demo: Simulator, year: int) -> None:
    for day, dead in (("11-20", set()), ("11-21", {("702000061911", 2)}), ("12-31", {("702000061911", 2)})):
        energy = given(demo, PARIS, "216200041835", f"{year}-{day}")
        assert {panel for panel, kwh in energy.items() if kwh == 0} == dead


def test_a_panel_on_lord_howe_is_weak_since_june(demo: Simulator, year: int) -> None:
    for day, low, high in (("05-31", 0.9, 1.1), ("06-01", 0.55, 0.7), ("12-31", 0.55, 0.7)):
        energy = given(demo, LORD_HOWE, "203000027716", f"{year}-{day}")
        flat = [kwh for (uid, _), kwh in energy.items() if uid.startswith("902")]
        assert low < energy["902000030115", 3] / median(flat) < high


def test_the_barn_in_calgary_is_offline_for_three_days_and_the_house_is_not(
    demo: Simulator, year: int
) -> None:
    def answered(ecu: str) -> list[int]:
        batch = f"{CALGARY}/devices/inverter/batch/energy/{ecu}"
        return [code(demo, batch, "energy", f"{year}-12-{day:02}") for day in range(8, 13)]

    assert answered("000216003391") == [0, 1001, 1001, 1001, 0]
    assert answered("203000019427") == [0] * 5


def test_an_inverter_in_calgary_is_silent_but_still_listed(demo: Simulator, year: int) -> None:
    silent = "902000014512"
    for day, gives in (("12-26", True), ("12-27", False), ("12-31", False)):
        energy = given(demo, CALGARY, "203000019427", f"{year}-{day}")
        assert (silent in {uid for uid, _ in energy}) is gives
    assert silent in listed(demo, CALGARY)
    assert data(demo, f"details/{CALGARY}")["capacity"] == "9.50"


def test_the_capacity_of_calgary_is_that_of_the_healthy_one() -> None:
    healthy, demo = healthy_fleet().systems[1], demo_fleet().systems[1]
    day = date(2025, 12, 31)
    assert healthy.capacity_text(day) == demo.capacity_text(day)


def test_an_inverter_on_lord_howe_is_another_since_the_seventh_of_october(demo: Simulator, year: int) -> None:
    old, new = "702000081309", "702000094417"
    for day, mounted, gone in (("10-06", old, new), ("10-07", new, old)):
        uids = {uid for uid, _ in given(demo, LORD_HOWE, "203000027716", f"{year}-{day}")}
        assert mounted in uids
        assert gone not in uids
    assert new in listed(demo, LORD_HOWE)
    assert old not in listed(demo, LORD_HOWE)


def test_before_its_year_the_demo_fleet_is_the_healthy_one(demo: Simulator, year: int) -> None:
    healthy = Simulator(healthy_fleet(), now=demo.now)
    for sid in demo.fleet.system_ids:
        asked = (f"energy/{sid}", "monthly", f"{year - 1}")
        assert data(demo, *asked) == data(healthy, *asked)


def places(fleet: Fleet) -> dict[str, dict[tuple[str, int], dict[str, object]]]:
    """What the roof file says of each panel, by system."""
    return {
        sid: {
            (uid, channel): panel
            for uid, inverter in system["inverters"].items()
            for channel, panel in inverter["panels"].items()
        }
        for sid, system in roof_of(fleet, NAMES)["systems"].items()
    }


@pytest.mark.parametrize(
    "fleet", [healthy_fleet(), demo_fleet(), awkward_fleet()], ids=["healthy", "demo", "awkward"]
)
def test_every_panel_has_a_place_and_a_label_of_its_own(fleet: Fleet) -> None:
    for sid, panels_of_system in places(fleet).items():
        found = list(panels_of_system.values())
        assert len({panel["label"] for panel in found}) == len(found), sid
        assert len({(panel["row"], panel["column"]) for panel in found}) == len(found), sid


def test_a_roof_is_described_as_it_is() -> None:
    fleet = demo_fleet()
    paris = roof_of(fleet, NAMES)["systems"][PARIS]
    assert (paris["name"], paris["latitude"], paris["longitude"]) == ("House in Paris", 48.86, 2.35)
    found = places(fleet)
    assert found[PARIS]["702000061902", 2] == {
        "label": "E4", "row": 2, "column": 1, "tilt": 35, "azimuth": 105,
    }  # fmt: skip
    assert found[PARIS]["702000062050", 1]["label"] == "W1"
    for system in fleet.systems:
        for ecu in system.ecus:
            for inverter in ecu.inverters:
                for channel in range(1, inverter.channels + 1):
                    panel = found[system.sid].get((inverter.uid, channel))
                    assert panel is None or (panel["tilt"], panel["azimuth"]) == (
                        inverter.tilt,
                        inverter.azimuth,
                    )


def test_the_place_of_a_replaced_inverter_is_that_of_its_successor() -> None:
    inverters = roof_of(demo_fleet(), NAMES)["systems"][LORD_HOWE]["inverters"]
    replacing = {uid: of["replaces"] for uid, of in inverters.items() if "replaces" in of}
    assert replacing == {"702000094417": "702000081309"}
    assert "702000081309" not in inverters
    assert [panel["label"] for panel in inverters["702000094417"]["panels"].values()] == ["NW5", "NW6"]


def test_prices_change_within_the_year() -> None:
    assert [tariff["from"] for tariff in tariffs_of(2025)["tariffs"]] == [date(2024, 1, 1), date(2025, 2, 1)]
