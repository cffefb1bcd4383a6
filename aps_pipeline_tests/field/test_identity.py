"""Identity and calendar: whose an answer is, since when there are figures, and when a local day ends."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.periods import day_end_utc, zone
from aps_pipeline.warehouse import open_warehouse
from aps_pipeline.wiring import build_warehouse
from aps_pipeline_tests.field.world import Roof, World, world


def built(api: World, **settings: object) -> Path:
    """The path of a warehouse of what was collected."""
    pipeline = api.pipeline(**settings)
    chosen = api.settings(**settings)
    build_warehouse(chosen, pipeline, force=True)
    pipeline.ledger.close()
    return chosen.warehouse_path


@pytest.mark.parametrize("name", ["America/Havana", "Atlantic/Azores"])
def test_sql_and_python_have_one_calendar(tmp_path: Path, name: str) -> None:
    """D3: DuckDB's own rules move these clocks at another hour."""
    with world(tmp_path / "data", Roof(zone=name)) as api:
        api.collect(date(2024, 1, 1), date(2026, 11, 26), ["system_daily_energy"])
        with closing(open_warehouse(built(api))) as connection:
            rows = connection.execute(
                "SELECT date, epoch_us(end_utc), epoch_us(final_utc) FROM mart.local_days"
            ).fetchall()
    ends = {day: int(day_end_utc(day, zone(name)).timestamp()) * 1_000_000 for day, *_ in rows}
    assert len(ends) > 1000
    assert {day: end for day, end, _ in rows} == ends
    assert {final - end for _, end, final in rows} == {5 * 86_400_000_000}
