"""`aps report`: where the pages go, and what it says when there are none to make."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer

from aps_pipeline.cli.options import parse_month
from aps_pipeline.cli.report import report
from aps_pipeline.errors import Exit
from aps_pipeline.reports import NothingToReportError, ReportNotWrittenError
from aps_pipeline_tests.warehouse.conftest import Plant


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a month, of which each test gets a copy."""
    plant = Plant(tmp_path_factory.mktemp("original"))
    plant.system()
    for number in range(31):
        plant.total("daily", date(2024, 3, 1) + timedelta(number), 4.0)
    plant.build()
    plant.ledger.close()
    return plant.path.parent


@pytest.fixture
def data_dir(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings lead to."""
    copy = shutil.copytree(original, tmp_path / "data")
    monkeypatch.chdir(copy)
    monkeypatch.setenv("APS_DATA_DIR", str(copy))
    return copy


def test_the_newest_whole_month_goes_below_the_data_directory(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(None, "", as_json=True) == Exit.COMPLETE
    pages = json.loads(capsys.readouterr().out)["pages"]
    folder = data_dir / "reports" / "2024-03"
    assert [(page["system_id"], Path(page["path"])) for page in pages] == [
        ("S1", folder / "S1.html"),
        ("", folder / "index.html"),
    ]
    assert [page["bytes"] for page in pages] == [Path(page["path"]).stat().st_size for page in pages]


@pytest.mark.usefixtures("data_dir")
def test_each_page_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(date(2024, 3, 1), "S1", as_json=False) == Exit.COMPLETE
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    assert line.endswith("reports/2024-03/S1.html")
    assert "1 page" in said.err


@pytest.mark.usefixtures("data_dir")
def test_a_month_that_is_not_held_is_a_matter_of_usage() -> None:
    with pytest.raises(NothingToReportError) as raised:
        report(date(2020, 1, 1), "", as_json=False)
    assert raised.value.exit_code == Exit.USAGE
    assert ReportNotWrittenError("disk full").exit_code == Exit.STORAGE


@pytest.mark.parametrize("text", ["2024-13", "2024-1", "202403", "24-03", "2024-03-01"])
def test_a_month_is_a_year_and_a_month(text: str) -> None:
    assert parse_month("2024-03") == date(2024, 3, 1)
    with pytest.raises(typer.BadParameter, match="not a month of the calendar"):
        parse_month(text)
