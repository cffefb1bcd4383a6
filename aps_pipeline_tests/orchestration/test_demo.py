"""The demo and what it hands to `dagster dev`: simulated data, apart from real data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.config import load_settings
from aps_pipeline.orchestration import demo
from aps_pipeline.orchestration.demo import show
from aps_pipeline.orchestration.simulated import (
    demo_dir,
    environment_of,
    get_simulated_settings,
    write_site_files,
    year_before,
)
from aps_pipeline.simulator import Fleet, Simulator, demo_fleet, healthy_fleet
from aps_pipeline.site import Site
from aps_pipeline_tests.sites import a_fleet


def test_a_month_through_the_assets_and_again_without_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    young = Fleet((replace(a_fleet().systems[0], create_date=date(2025, 12, 28)),))
    days = (date(2025, 12, 1), date(2025, 12, 31))
    first = demo.run(tmp_path, *days, young)
    history = 3 + 4 + 4 + 1 + 1 + 1
    # An ECU, two inverters and a meter by year and month; summaries; then three days of hours and slots.
    every_table = (5 + 4) + 4 + 4 + 3 * (4 + 4 + 1)
    served = 2  # days of its only ECU that the system answers, once four pairs have shown them equal
    assert first.calls == first.calls_in_ledger == history + every_table - served
    assert "demo: 133 of 133 partitions" in capsys.readouterr().err

    again = demo.run(tmp_path, *days, young)
    assert (again.calls, again.calls_in_ledger) == (0, first.calls)
    assert (again.files, again.lake_sha256) == (first.files, first.lake_sha256)

    show(again)
    shown = capsys.readouterr().out
    assert "2025-12" in shown
    assert "0 calls made, 56 kept in the ledger" in shown
    assert "make dev" in shown


def test_the_demo_has_the_year_before_to_compare_with() -> None:
    assert year_before(date(2025, 12, 31)) == date(2024, 12, 1)
    assert year_before(date(2028, 2, 29)) == date(2027, 2, 1)


def test_what_the_demo_says_of_its_roofs_can_be_read_and_stays_until_it_changes(tmp_path: Path) -> None:
    fleet = demo_fleet(2025)
    simulator = Simulator(fleet)
    start = date(2024, 1, 1)
    assert get_simulated_settings(simulator, "http://127.0.0.1:1", tmp_path, start).site == Site()

    write_site_files(tmp_path, fleet, 2025)
    said = get_simulated_settings(simulator, "http://127.0.0.1:1", tmp_path, start).site
    assert tuple(said.roof.systems) == fleet.system_ids
    panels = sum(
        len(inv.panels) for system in said.roof.systems.values() for inv in system.inverters.values()
    )
    assert panels == 12 + 22 + 14
    assert said.tariffs.currency == "EUR"

    written = (tmp_path / "roof.yaml").stat()
    write_site_files(tmp_path, fleet, 2026)
    assert (tmp_path / "roof.yaml").stat() == written
    (tmp_path / "tariffs.yaml").write_text("currency: [")
    write_site_files(tmp_path, healthy_fleet(), 2025)
    now = get_simulated_settings(simulator, "http://127.0.0.1:1", tmp_path, start).site
    assert now.tariffs == said.tariffs
    assert now.roof != said.roof


def test_ids_of_digits_are_quoted_in_the_roof_file(tmp_path: Path) -> None:
    write_site_files(tmp_path, demo_fleet(2025), 2025)
    assert '"000000064823":' in (tmp_path / "roof.yaml").read_text("utf-8")


def test_data_of_the_demo_lies_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APS_DATA_DIR", str(tmp_path))
    assert demo_dir() == tmp_path / "demo"


def test_another_process_finds_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    write_site_files(tmp_path / "demo", demo_fleet(), 2025)
    (tmp_path / ".env").write_text("APS_LEDGER_URL=postgresql://real/one\nAPS_APP_ID=real\n")
    settings = get_simulated_settings(Simulator(), "http://127.0.0.1:1", tmp_path / "demo", date(2025, 1, 1))
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_a_demo_that_cannot_start_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["demo"])
    monkeypatch.setenv("APS_MONTHLY_CALLS", "many")
    assert demo.main() == 2
    assert "APS_MONTHLY_CALLS" in capsys.readouterr().err

    (tmp_path / "file").touch()
    monkeypatch.delenv("APS_MONTHLY_CALLS")
    monkeypatch.setenv("APS_DATA_DIR", str(tmp_path / "file"))
    assert demo.main() == 7
    assert "file" in capsys.readouterr().err
