"""Whole looks: a warehouse, real apprise, servers on loopback, and the file of what was told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from aps_pipeline.alerts import AlertRun, NotSentError, UnreadableError, preview, run_alerts
from aps_pipeline_tests.alerts.receiving import Inbox, webhook
from aps_pipeline_tests.warehouse.conftest import Plant, plant
from aps_pipeline_tests.warehouse.lean import only_marts

__all__ = ["plant"]

FIRST = date(2024, 3, 1)
A, B, C = "E1/I1/1", "E1/I2/1", "E1/I3/1"
WEAK = "APsystems: 1 panel weak"


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("conditions"):
        yield


def days(plant: Plant, first: int, last: int, **others: float) -> None:
    names = {"a": A, "b": B, "c": C}
    energies: dict[str, float | None] = dict.fromkeys(names.values(), 1.0)
    energies |= {names[name]: energy for name, energy in others.items()}
    for number in range(first, last + 1):
        plant.panels(FIRST + timedelta(number), energies)
    plant.build()


@pytest.fixture(scope="module")
def with_a_weak_panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of 30 days of which A is weak, for copies."""
    plant = Plant(tmp_path_factory.mktemp("weak"))
    days(plant, 0, 29, a=0.7)
    plant.ledger.close()
    return plant.path


@pytest.fixture
def weak(with_a_weak_panel: Path, plant: Plant) -> Plant:
    """A plant with a copy of that warehouse."""
    plant.path.parent.mkdir()
    shutil.copyfile(with_a_weak_panel, plant.path)
    return plant


@pytest.fixture
def hook() -> Iterator[Inbox]:
    with webhook() as inbox:
        yield inbox


def told(plant: Plant) -> Path:
    return plant.path.with_name("alerts.json")


def looked(plant: Plant, *inboxes: Inbox) -> AlertRun:
    return run_alerts(
        plant.path, told(plant), [f"json://u:hunter2@127.0.0.1:{inbox.port}" for inbox in inboxes]
    )


def test_one_message_when_a_panel_turns_weak_and_one_when_it_recovers(plant: Plant, hook: Inbox) -> None:
    days(plant, 0, 29)
    assert looked(plant, hook).summary == "Nothing has changed that is worth a message."
    days(plant, 30, 59, a=0.7)
    assert looked(plant, hook).summary == f"1 message sent. {WEAK}"
    assert looked(plant, hook).summary == "Nothing has changed: the warehouse is the one looked at before."
    days(plant, 60, 61, a=0.7)
    assert looked(plant, hook).messages == ()
    days(plant, 62, 91)
    looked(plant, hook)
    assert [got["title"] for got in hook.kept] == [WEAK, "APsystems: 1 panel recovered"]


def test_the_first_look_is_one_message_about_all_that_is_wrong(plant: Plant, hook: Inbox) -> None:
    days(plant, 0, 29, a=0.3, b=0.3)
    days(plant, 30, 30)
    looked(plant, hook)
    assert len(hook.kept) == 1


def test_an_address_that_failed_is_told_at_the_next_look_and_the_other_not_again(
    weak: Plant, hook: Inbox
) -> None:
    with webhook() as other:
        other.refuses = True
        with pytest.raises(NotSentError, match=r"address 1 of APS_ALERT_URLS \(1 of 2\)") as raised:
            looked(weak, other, hook)
        assert "hunter2" not in str(raised.value)
        other.refuses = False
        looked(weak, other, hook)
        assert [got["title"] for got in (*other.kept, *hook.kept)] == [WEAK, WEAK]


def test_what_is_remembered_shows_no_address(weak: Plant, hook: Inbox) -> None:
    looked(weak, hook)
    kept = told(weak).read_text("utf-8")
    assert '"weak"' in kept
    assert "hunter2" not in kept
    assert "127.0.0.1" not in kept


def test_a_preview_sends_and_remembers_nothing(weak: Plant, hook: Inbox) -> None:
    for addresses in ([], [f"json://127.0.0.1:{hook.port}"]):
        assert [message.title for message in preview(weak.path, told(weak), addresses).messages] == [WEAK]
    assert hook.kept == []
    assert not told(weak).exists()


def test_without_an_address_nobody_is_told(plant: Plant) -> None:
    assert (
        run_alerts(plant.path, told(plant), []).summary
        == "APS_ALERT_URLS is not set: there is nobody to tell."
    )


@pytest.mark.parametrize(
    "content", ["", "[]", '{"x": {}}', '{"x": {"inputs": "", "conditions": [["roof"]]}}']
)
def test_a_damaged_memory_is_said_and_nothing_is_sent(weak: Plant, hook: Inbox, content: str) -> None:
    told(weak).write_text(content)
    with pytest.raises(UnreadableError, match=r"alerts\.json cannot be read; delete it"):
        looked(weak, hook)
    assert hook.kept == []
    assert told(weak).read_text() == content


def test_a_warehouse_of_another_version_is_to_be_built_again(plant: Plant, hook: Inbox) -> None:
    import duckdb

    plant.build()
    with duckdb.connect(str(plant.path)) as connection:
        connection.execute("DROP TABLE mart.conditions")
    with pytest.raises(UnreadableError, match="built by another version"):
        looked(plant, hook)


def test_an_empty_warehouse_is_looked_at_once(plant: Plant, hook: Inbox) -> None:
    plant.build()
    looked(plant, hook)
    (kept,) = json.loads(told(plant).read_text("utf-8")).values()
    assert kept["conditions"] == []
