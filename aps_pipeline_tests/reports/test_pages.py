"""The pages as files: what they say of a small plant, figure by figure, and what they must never hold."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from aps_pipeline.reports import NothingToReportError, ReportNotWrittenError, newest_month, write_reports
from aps_pipeline.request import BadIdError
from aps_pipeline.site import Roof, Site, Tariffs
from aps_pipeline.warehouse import NoWarehouseError, open_warehouse
from aps_pipeline_tests.warehouse.conftest import Plant

DECEMBER = date(2024, 12, 1)
MADE = datetime(2025, 1, 7, 14, 0, tzinfo=UTC)
HOSTILE = "</title><script>alert('1')</script>{{ 7*7 }}"

ROOF = {
    "S1": {
        "name": HOSTILE,
        "latitude": 40.4,
        "longitude": -3.7,
        "inverters": {
            "I1": {"panels": {1: {"label": HOSTILE[:60], "row": 1, "column": 1, "tilt": 30, "azimuth": 180}}},
            **{f"I{n}": {"panels": {1: {"row": 1, "column": n, "tilt": 30, "azimuth": 180}}} for n in (2, 3)},
        },
    }
}
TARIFFS = {
    "currency": "EUR",
    "co2_kg_per_kwh": 0.5,
    "co2_source": "a test",
    "tariffs": [
        {"from": date(2024, 1, 1), "import_price": 0.5, "feed_in_price": 0.1, "standing_charge": 1.0}
    ],
}


class Page(HTMLParser):
    """What a page holds, read as a browser would."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text("utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.style = ""
        self._in_style = False
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.style += data
        elif data.strip():
            self.words.append(" ".join(data.split()))

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def after(self, label: str, number: int = 3) -> list[str]:
        """The texts that follow one."""
        place = self.words.index(label)
        return self.words[place + 1 : place + 1 + number]


def seed(plant: Plant) -> None:
    """S1: December 2024 without the 5th, the year before it whole; S2: a neighbour with half of its days."""
    plant.system(capacity_kw=10.0, created=date(2023, 1, 1))
    plant.system("S2", created=date(2024, 1, 1))
    for n in range(31):
        day, before = DECEMBER + timedelta(n), date(2023, 12, 1) + timedelta(n)
        plant.total("daily", day, None if n == 4 else 6.0)
        plant.total("daily", before, 8.0)
        plant.hours(day, [0.0] * 11 + [3.0, 3.0] + [0.0] * 11)
        plant.panels(day, {"E1/I1/1": 1.0, "E1/I2/1": 2.0, "E1/I3/1": 2.0})
        if n < 15:
            plant.total("daily", day, 1.0, system_id="S2")
        plant.add(
            "meter_daily_energy", meter_id="M1", date=day,
            produced_kwh=6.0, consumed_kwh=8.0, imported_kwh=5.0, exported_kwh=3.0,
        )  # fmt: skip
    plant.total("monthly", date(2023, 12, 1), 248.0)


@dataclass(frozen=True)
class Written:
    """The pages of the plant."""

    plant: Plant
    folder: Path

    def page(self, name: str) -> Page:
        return Page(self.folder / "2024-12" / f"{name}.html")


@pytest.fixture(scope="module")
def written(shared_plant: Plant) -> Iterator[Written]:
    plant = shared_plant
    seed(plant)
    plant.site = Site(Roof.model_validate({"systems": ROOF}), Tariffs.model_validate(TARIFFS))
    plant.build()
    folder = plant.path.parent / "reports"
    assert [page.system_id for page in write_reports(plant.path, folder, DECEMBER, MADE)] == ["S1", "S2", ""]
    return Written(plant, folder)


@pytest.mark.parametrize("name", ["S1", "S2", "index"])
class TestEveryPage:
    def test_it_runs_nothing_loads_nothing_and_says_so(self, written: Written, name: str) -> None:
        page = written.page(name)
        (policy,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )
        assert not {"script", "iframe", "object", "img", "link", "form"} & {tag for tag, _ in page.tags}
        for tag, attributes in page.tags:
            assert not {"style", "src", "srcset", "action"} & attributes.keys(), tag
            assert not any(attribute.startswith("on") for attribute in attributes), tag
            assert re.fullmatch(r"(#[\w-]+|\w+\.html)?", attributes.get("href") or ""), tag
        assert "url(" not in page.style and "@import" not in page.style

    def test_it_is_small_and_readable_on_a_phone(self, written: Written, name: str) -> None:
        page = written.page(name)
        assert len(page.text.encode()) < 2_000_000
        assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
        assert "@media print" in page.style
        assert "prefers-color-scheme: dark" in page.style

    def test_hostile_names_stay_texts(self, written: Written, name: str) -> None:
        page = written.page(name)
        assert "<script" not in page.text
        assert "{{" not in page.text.replace(HOSTILE[-9:], "")
        if name != "S2":
            assert HOSTILE in page.words

    def test_equal_inputs_give_equal_bytes_but_for_the_time(
        self, written: Written, name: str, tmp_path: Path
    ) -> None:
        list(write_reports(written.plant.path, tmp_path, DECEMBER, MADE + timedelta(days=3)))
        other = Page(tmp_path / "2024-12" / f"{name}.html").text
        assert other != written.page(name).text
        assert other.replace("2025-01-10 14:00 UTC", "2025-01-07 14:00 UTC") == written.page(name).text


def test_five_numbers_with_what_they_rest_on(written: Written) -> None:
    page = written.page("S1")
    assert page.after("Produced", 3) == ["180", "kWh", "30 of 31 days, sum of the days held"]
    assert page.after("Against December 2023", 3) == ["−25", "%", "240 kWh then, on 30 equal days"]
    assert page.after("Yield", 2)[0] == "–"  # of the month itself there is no figure
    assert page.after("Autarky", 3) == ["38", "%", "of 248 kWh consumed came from the roof"]
    assert page.after("Panels fine", 3) == ["2", "of 3", "1 weak"]
    shares = [(a["value"], a["max"]) for tag, a in page.tags if tag == "progress"]
    assert shares == [("30", "31"), ("30", "31"), ("31", "31"), ("3", "3")]


def test_the_worst_panel_comes_first_in_plain_words(written: Written) -> None:
    page = written.page("S1")
    (title,) = [words for words in page.words if "of what its peers give" in words]
    assert title == f"Panel {HOSTILE[:60]} (inverter I1, input 1) gives 50 % of what its peers give"
    assert page.after(title, 1) == [
        "Median of 31 days. About 31.0 kWh were lost (31 days against the median of 2 peers)."
    ]


def test_meter_flows_and_what_they_were_worth(written: Written) -> None:
    words = " ".join(written.page("S1").words)
    assert "Of 186 kWh produced, 93.0 kWh (50 %) were used at home and 93.0 kWh went to the grid." in words
    assert "would have cost 46.50 EUR; what went to the grid earned 9.30 EUR" in words
    assert "Energy from the grid cost 77.50 EUR, the standing charge 31.00 EUR, on 31 days" in words
    assert "the 186 kWh produced avoided 93.0 kg of CO2" in words


def test_a_day_without_a_figure_is_a_dash_and_never_0(written: Written) -> None:
    page = written.page("S1")
    start = page.words.index("Without clouds")
    cells = page.words[start + 1 :]
    assert cells[4 * 4 : 4 * 4 + 3] == ["5", "–", "8.00 kWh"]
    assert cells[0:3] == ["1", "6.00 kWh", "8.00 kWh"]
    assert "5 December: –, a year before: 8.00 kWh" in page.text


def test_the_fleet_counts_days_only_where_every_system_has_a_figure(written: Written) -> None:
    page = written.page("index")
    start = page.words.index("Without clouds")
    cells = page.words[start + 1 :]
    assert cells[0:2] == ["1", "7.00 kWh"]
    assert cells[15 * 4 : 15 * 4 + 2] == ["16", "–"]
    assert page.after("Produced", 3) == ["195", "kWh", "0 of 2 systems with every day"]
    assert ("a", {"href": "S1.html"}) in page.tags


def test_a_system_of_which_little_is_known_says_so(written: Written) -> None:
    page = written.page("S2")
    assert page.after("Produced", 3) == ["15.0", "kWh", "15 of 31 days, sum of the days held"]
    assert page.after("Panels fine" if "Panels fine" in page.words else "Panels", 1)
    assert "No panel has a figure in this month." in page.words


def test_only_the_systems_asked_for_are_written(written: Written, tmp_path: Path) -> None:
    pages = list(write_reports(written.plant.path, tmp_path, DECEMBER, MADE, ["S2"]))
    assert [page.path.relative_to(tmp_path) for page in pages] == [Path("2024-12/S2.html")]
    assert pages[0].size == pages[0].path.stat().st_size


def test_what_cannot_be_reported_is_said(written: Written, tmp_path: Path) -> None:
    path = written.plant.path
    with pytest.raises(NothingToReportError, match="no figure of 2024-11: it holds 2023-12 to 2024-12"):
        list(write_reports(path, tmp_path, date(2024, 11, 1), MADE))
    with pytest.raises(NothingToReportError, match="no such system: S3; there are S1, S2"):
        list(write_reports(path, tmp_path, DECEMBER, MADE, ["S3"]))
    with pytest.raises((NothingToReportError, BadIdError)):
        list(write_reports(path, tmp_path, DECEMBER, MADE, ["../../S1"]))
    with pytest.raises(NoWarehouseError):
        list(write_reports(tmp_path / "none.duckdb", tmp_path, DECEMBER, MADE))
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_named(written: Written, tmp_path: Path) -> None:
    (tmp_path / "2024-12").touch()
    with pytest.raises(ReportNotWrittenError, match=r"cannot write .*2024-12/S1\.html"):
        list(write_reports(written.plant.path, tmp_path, DECEMBER, MADE))


def test_the_newest_month_is_the_last_whole_one(plant: Plant) -> None:
    def newest() -> date:
        plant.build()
        connection = open_warehouse(plant.path)
        try:
            return newest_month(connection)
        finally:
            connection.close()

    with pytest.raises(NothingToReportError, match="no day of any system is final yet"):
        newest()
    plant.total("daily", date(2024, 2, 28), 1.0)
    assert newest() == date(2024, 2, 1), "there is no other"
    plant.total("daily", date(2024, 1, 31), 1.0)
    assert newest() == date(2024, 1, 1)
    plant.total("daily", date(2024, 2, 29), 1.0)
    assert newest() == date(2024, 2, 1)
    plant.total("daily", date(2024, 3, 31), 1.0, is_final=False)
    assert newest() == date(2024, 2, 1)
