from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline.simulator.printing import java_double, kwh2, kwh2_of_micro, kwh3, kwh6
from aps_pipeline.simulator.weather import plane_irradiance, sun_at
from aps_pipeline_tests.simulator.caller import data, total


def elevation(instant: datetime, lat: float, lon: float) -> float:
    sun = sun_at(np.array([instant.timestamp()]), lat, lon)
    return float(np.degrees(np.arcsin(sun.up[0])))


@pytest.mark.parametrize(
    ("instant", "lat", "lon", "expected"),
    [
        (datetime(2025, 6, 21, 11, 53, tzinfo=UTC), 48.86, 2.35, 90 - 48.86 + 23.44),
        (datetime(2025, 12, 21, 11, 49, tzinfo=UTC), 48.86, 2.35, 90 - 48.86 - 23.44),
        (datetime(2025, 12, 21, 1, 22, tzinfo=UTC), -31.55, 159.08, 90 - 31.55 + 23.44),
        (datetime(2025, 3, 20, 9, 1, tzinfo=UTC), 0.0, 0.0, 43.4),
    ],
)
def test_the_sun_stands_where_it_should(instant: datetime, lat: float, lon: float, expected: float) -> None:
    assert elevation(instant, lat, lon) == pytest.approx(expected, abs=0.3)


def test_a_panel_to_the_east_has_its_day_in_the_morning() -> None:
    start = datetime(2025, 6, 21, tzinfo=UTC).timestamp()
    sun = sun_at(start + np.arange(288, dtype=np.float64) * 300, 48.86, 2.35)
    clear = np.ones(288)
    east, west, south = plane_irradiance(sun, np.array([90.0, 270.0, 180.0]), np.full(3, 35.0), clear)
    assert east.argmax() < south.argmax() < west.argmax()
    assert 800 < south.max() < 1100
    assert east[:24].max() == 0, "night"
    overcast = plane_irradiance(sun, np.array([180.0]), np.array([35.0]), clear * 0.2)
    assert 0 < overcast.max() < south.max() / 4


def test_summer_gives_more_than_winter_on_either_hemisphere(sim: Simulator) -> None:
    for sid, summer in (("A0E1253B7C9D4F60", slice(4, 8)), ("AZ24419C3DFF", slice(0, 2))):
        months = data(sim, f"energy/{sid}", "monthly", "2025")
        winter = [months[11], months[0]] if summer.start else months[5:7]
        assert total(months[summer]) / len(months[summer]) > total(winter) / 2 * 5 / 4


def test_days_differ_as_weather_does(sim: Simulator) -> None:
    days = sorted(map(float, data(sim, "energy/A0E1253B7C9D4F60", "daily", "2025-06")))
    assert days[-1] > 3 * days[0]
    assert 10 < total(data(sim, "energy/A0E1253B7C9D4F60", "monthly", "2025")) / 365 < 16


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.0"),
        (1, "1.0E-6"),
        (500, "5.0E-4"),
        (512, "5.12E-4"),
        (999, "9.99E-4"),
        (1_000, "0.001"),
        (2_446_396, "2.446396"),
        (2_500_000, "2.5"),
        (12_000_000, "12.0"),
    ],
)
def test_numbers_as_java_prints_them(micro: int, text: str) -> None:
    assert java_double(micro) == text
    assert float(text) == pytest.approx(micro / 1e6)


def test_numbers_with_fixed_decimals() -> None:
    assert [kwh2(0), kwh2(0, False), kwh2(207), kwh2(12_305)] == ["0.00", "0", "2.07", "123.05"]
    assert [kwh2_of_micro(4_999), kwh2_of_micro(5_000)] == ["0.00", "0.01"]
    assert [kwh3(40_300_499), kwh3(0, False), kwh6(412_345)] == ["40.300", "0", "0.412345"]
