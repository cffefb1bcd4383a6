"""A data directory of the first release, opened by this code.

`fixtures/released_ledger.sqlite.gz` was written by the first release against the API of `world`, two houses
on 2026-11-27: inventory, every level of energy, panels by day with two answers 1001 that it took for the end
of the server's memory, a refused body (23 hours), and a refresh on the day after that found a day changed.
`released_rows.json.gz` holds the keys and measures of the lake that it made of it.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.ingest import Summary
from aps_pipeline.tables import get_table
from aps_pipeline_tests.field.world import HOUSE_1, World, two_houses, world

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[World]:
    """The world a day later, with that ledger in its data directory and nothing else."""
    data = tmp_path / "data"
    data.mkdir()
    content = gzip.decompress((FIXTURES / "released_ledger.sqlite.gz").read_bytes())
    (data / "ledger.sqlite").write_bytes(content)
    with world(data, *two_houses()) as found:
        found.clock.turn(days=1)
        yield found


def table_rows(file: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        known = [name for name in names if name not in ("body_sha256", "server_utc")]
        return connection.execute(f"SELECT {', '.join(known)} FROM {table} ORDER BY 1, 2").fetchall()


def measured(of: World) -> dict[str, dict[str, Any]]:
    """The keys and measures of every table that has rows, as the fixture holds them."""
    pipeline, expected = of.pipeline(), released_rows()
    list(pipeline.rebuild(Summary()))
    pipeline.ledger.close()
    found = {}
    for name, kept in expected.items():
        rows = pipeline.lake.read(get_table(name)).select(kept["columns"]).to_pylist()
        found[name] = {"columns": kept["columns"], "rows": [list(map(plain, row.values())) for row in rows]}
    return found


def plain(value: Any) -> Any:
    return value if isinstance(value, int | float) or value is None else str(value)


def released_rows() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(
        gzip.decompress((FIXTURES / "released_rows.json.gz").read_bytes())
    )
    return found


def test_it_is_migrated_with_a_copy_beside_and_nothing_lost(old: World) -> None:
    old.pipeline().ledger.close()
    ledger, copy = old.data_dir / "ledger.sqlite", old.data_dir / "ledger.sqlite.0001.bak"
    for table in ("calls", "bodies", "quotas", "facts", "news", "revisions"):
        assert table_rows(ledger, table) == table_rows(copy, table)
    pipeline = old.pipeline()
    states = [row["state"] for portion in pipeline.ledger.iter_calls() for row in portion]
    assert {state: states.count(state) for state in set(states)} == {
        "answered": 33,
        "no_data": 4,
        "refused": 1,
    }
    assert len(pipeline.ledger.list_diffs()) == 6
    assert pipeline.quotas()[""].used == 38
    pipeline.ledger.close()


def test_the_lake_made_of_it_has_the_same_rows(old: World) -> None:
    expected = released_rows()
    assert measured(old) == expected
    assert len(expected["system_hourly_energy"]["rows"]) == 216
    assert not old.requests


def test_bodies_get_their_digests_from_the_first_check(old: World) -> None:
    pipeline = old.pipeline()
    assert [faults for _, faults in pipeline.ledger.check_bodies()] == [[]]
    pipeline.ledger.close()
    with closing(sqlite3.connect(old.data_dir / "ledger.sqlite")) as connection:
        bare = connection.execute(
            "SELECT count(*) FROM calls WHERE body_sha256 IS NULL AND body_bytes IS NOT NULL"
        ).fetchone()
    assert bare == (0,)


def test_nothing_is_asked_twice_of_a_range_that_is_complete(old: World) -> None:
    run = old.collect(date(2026, 11, 12), date(2026, 11, 13), ("system_hourly_energy",))
    assert run.summary.complete == run.summary.partitions == 2
    run = old.collect(date(2026, 10, 1), date(2026, 10, 31), ("system_daily_energy",))
    assert run.summary.complete == run.summary.partitions == 1
    assert not [request for request in old.requests if request.endpoint == "energy"]


def test_the_refused_body_is_still_refused_and_read_again_only_by_another_reader(old: World) -> None:
    pipeline = old.pipeline()
    (before,) = pipeline.ledger.list_refusals()
    assert (before.request.system_id, before.reader) == (HOUSE_1, "")
    list(pipeline.rebuild(Summary()))
    (after,) = pipeline.ledger.list_refusals()
    assert after.call_id == before.call_id and len(after.reader) == 64
    pipeline.ledger.close()


def test_borders_that_the_first_release_drew_are_not_believed(old: World) -> None:
    """What it wrote off for two answers of no data is asked."""
    run = old.collect(date(2026, 10, 1), date(2026, 11, 26), ("system_daily_energy", "inverter_batch_energy"))
    assert run.summary.complete == run.summary.partitions
    assert not [result for result in run.results if result.skipped]
    asked = {(request.sid, request.when) for request in old.asked("batch/energy")}
    assert len(asked) >= 2 * 57 - 8, "all days but those that were held with data"
    pipeline = old.pipeline()
    assert not [claim for claim in pipeline.claims(old.clock()) if claim.kind == "beyond retention"]
    pipeline.ledger.close()
