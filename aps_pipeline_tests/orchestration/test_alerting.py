"""The sensor `alerts`: what a tick says, whom it tells, and what it never shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from aps_pipeline.config import Settings
from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline_tests.alerts.receiving import webhook
from aps_pipeline_tests.warehouse.conftest import Plant, plant
from aps_pipeline_tests.warehouse.lean import only_marts

__all__ = ["plant"]


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("conditions"):
        yield


def tick(plant: Plant, urls: str | None) -> Any:
    """One evaluation, as the daemon makes it."""
    settings = Settings(_env_file=None, data_dir=plant.path.parent, alert_urls=urls)  # type: ignore[call-arg]
    definitions = build_definitions(date(2024, 1, 1), ApsResource(lambda: settings))
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, repository_def=definitions.get_repository_def())
        return definitions.resolve_sensor_def("alerts").evaluate_tick(context)


def build_with_a_weak_panel(plant: Plant) -> None:
    for number in range(30):
        energies: dict[str, float | None] = {"E1/I1/1": 0.6, "E1/I2/1": 1.0, "E1/I3/1": 1.0}
        plant.panels(date(2024, 3, 1) + timedelta(number), energies)
    plant.build()


def test_a_tick_tells_what_is_new_and_then_that_nothing_has_changed(plant: Plant) -> None:
    with webhook() as inbox:
        url = f"json://127.0.0.1:{inbox.port}"
        assert tick(plant, url).skip_message == "There is no warehouse yet."
        build_with_a_weak_panel(plant)
        assert tick(plant, None).skip_message == "APS_ALERT_URLS is not set: there is nobody to tell."
        assert tick(plant, url).skip_message == "1 message sent. APsystems: 1 panel weak"
        assert tick(plant, url).skip_message.startswith("Nothing has changed")
        assert len(inbox.kept) == 1


def test_a_tick_that_could_not_tell_fails_without_the_address_and_the_next_one_tells(
    plant: Plant, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    build_with_a_weak_panel(plant)
    with webhook() as inbox:
        url = f"json://user:hunter2@127.0.0.1:{inbox.port}/hunter3"
        inbox.refuses = True
        with caplog.at_level(logging.INFO), pytest.raises(dg.Failure) as raised:
            tick(plant, url)
        assert "address 1 of APS_ALERT_URLS" in (raised.value.description or "")
        shown = f"{raised.value.description}{caplog.text}{capfd.readouterr()}"
        assert "hunter" not in shown
        inbox.refuses = False
        assert tick(plant, url).skip_message == "1 message sent. APsystems: 1 panel weak"


def test_an_address_that_cannot_be_used_fails_the_tick_by_its_position(plant: Plant) -> None:
    plant.build()
    with pytest.raises(dg.Failure) as raised:
        tick(plant, "json://127.0.0.1:1 hunter2")
    assert "address 2 of APS_ALERT_URLS" in (raised.value.description or "")
    assert "hunter2" not in (raised.value.description or "")
