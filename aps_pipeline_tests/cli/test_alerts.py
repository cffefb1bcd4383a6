"""`aps alerts`: what is new, shown or sent, with nothing secret in it."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from aps_pipeline.cli.alerts import alerts
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline_tests.alerts.receiving import webhook
from aps_pipeline_tests.warehouse.conftest import Plant

TITLE = "APsystems: 1 panel weak"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a weak panel, of which each test gets a copy."""
    plant = Plant(tmp_path_factory.mktemp("original"))
    for number in range(30):
        energies: dict[str, float | None] = {"E1/I1/1": 0.6, "E1/I2/1": 1.0, "E1/I3/1": 1.0}
        plant.panels(date(2024, 3, 1) + timedelta(number), energies)
    plant.build()
    plant.ledger.close()
    return plant.path.parent


@pytest.fixture(autouse=True)
def _weak(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree(original, tmp_path / "data")
    monkeypatch.chdir(copy)
    monkeypatch.setenv("APS_DATA_DIR", str(copy))


def test_without_an_address_it_shows_all_that_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert alerts(send=False, as_json=False) == Exit.COMPLETE
    shown = capsys.readouterr().out
    assert shown.startswith(
        f"{TITLE}\n\n- Panel 1 of inverter I1 (ECU E1, system S1) is weak: 60% of its peers"
    )


def test_sending_needs_somebody_to_tell() -> None:
    with pytest.raises(NotConfiguredError, match="APS_ALERT_URLS not set") as raised:
        alerts(send=True, as_json=False)
    assert raised.value.exit_code is Exit.USAGE


def test_what_was_sent_is_not_new_any_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook() as inbox:
        monkeypatch.setenv("APS_ALERT_URLS", f"json://u:hunter2@127.0.0.1:{inbox.port}")
        alerts(send=True, as_json=True)
        alerts(send=False, as_json=True)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["summary"], second["summary"]) == (
        f"1 message sent. {TITLE}",
        "There is nothing new to tell.",
    )
    assert [message["title"] for message in first["messages"]] == [TITLE]
    assert [got["title"] for got in inbox.kept] == [TITLE]
