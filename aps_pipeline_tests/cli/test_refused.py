"""What a run says at its end: what was refused item by item, of clocks, and with which exit code."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from aps_pipeline.cli.backfill import collect
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import Wanted
from aps_pipeline.tables import get_table
from aps_pipeline_tests.clocks import Clock
from aps_pipeline_tests.field.world import Roof, world

DAY = date(2026, 11, 20)
SAID = "20 of 36 items of core.inverter_batch_energy 2026-11-20 were refused: see core.rejected_items"


@pytest.mark.usefixtures("without_marts")
@pytest.mark.parametrize("as_json", [False, True])
def test_refused_items_and_a_wrong_clock_are_said_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    items = [f"7010000000{n:02d}-1-{'1.5' if n < 16 else '?'}" for n in range(36)]
    with world(tmp_path / "data", Roof()) as field:
        field.date_header = Clock(field.clock() - timedelta(hours=26, minutes=3))
        field.rules.append(
            lambda r: {"code": 0, "data": {"energy": items}} if r.endpoint == "batch" else None
        )
        pipeline = field.pipeline()
        wanted = Wanted((get_table("inverter_batch_energy"),), DAY, DAY, pipeline.system_ids)
        codes = [collect("backfill", field.settings(), pipeline, wanted, as_json) for _ in range(2)]
        pipeline.ledger.close()
    assert codes == [Exit.REFUSED, Exit.COMPLETE], "what was refused before is not refused again"
    out, err = capsys.readouterr()
    clock = "this machine's clock is 1 day 2 h 3 min ahead of the server's: set it right"
    if as_json:
        told = json.loads(out.splitlines()[0])
        assert told["rejected"] == [
            {"table": "inverter_batch_energy", "key": "2026-11-20", "rejected": 20, "items": 36}
        ]
        assert told["exit_code"] == 5 and told["notes"][0].startswith(clock)
    else:
        assert "backfill complete: 1 of 1 partition, 16 rows" in out
        assert err.count(SAID) == 1 and err.count(clock) == 1
