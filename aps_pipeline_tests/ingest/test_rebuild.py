"""Everything again from the ledger: no call, the same bytes."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.ingest import Summary
from aps_pipeline.lake import StorageError
from aps_pipeline.ledger import MixedDataError
from aps_pipeline.tables import get_table
from aps_pipeline.wiring import open_pipeline
from aps_pipeline_tests.sites import Site, client_for, serving, settings_for

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 6)


def rebuild(site: Site) -> Summary:
    pipeline, summary = site.pipeline(app_id=None, app_secret=None), Summary()
    list(pipeline.rebuild(summary))
    pipeline.ledger.close()
    return summary


def test_the_same_bytes_from_the_ledger_alone(site: Site) -> None:
    site.collect(FIRST, LAST)
    before, calls = site.digest(), site.calls
    shutil.rmtree(site.data_dir / "lake")
    site.clock.turn(days=400)
    summary = rebuild(site)
    assert site.calls == calls
    assert site.digest() == before
    assert summary.complete == summary.partitions and summary.calls == 0
    rebuild(site)
    assert site.digest() == before, "and over files that are there"


def test_a_partition_that_was_lost_or_damaged_is_written_again(site: Site) -> None:
    site.collect(FIRST, LAST, ("system_hourly_energy",))
    before, calls = site.digest(), site.calls
    files = sorted((site.data_dir / "lake/core/system_hourly_energy").rglob("*.parquet"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-30])
    site.collect(FIRST, LAST, ("system_hourly_energy",))
    assert site.digest() == before and site.calls == calls


def test_one_table_can_be_rebuilt_alone(site: Site) -> None:
    site.collect(FIRST, FIRST)
    shutil.rmtree(site.data_dir / "lake")
    pipeline = site.pipeline()
    list(pipeline.rebuild(Summary(), [get_table("system_hourly_energy")]))
    pipeline.ledger.close()
    assert [path.name for path in (site.data_dir / "lake/core").iterdir()] == ["system_hourly_energy"]


def test_a_lake_that_cannot_be_written_loses_no_answer(site: Site) -> None:
    lake = site.data_dir / "lake"
    site.data_dir.mkdir()
    lake.write_text("not a directory")
    with pytest.raises(StorageError):
        site.collect(FIRST, FIRST, ("system_hourly_energy",), max_in_flight=1)
    lake.unlink()
    site.collect(FIRST, FIRST, ("system_hourly_energy",))
    assert site.calls == 2 * 3 + 2


def test_real_and_simulated_answers_never_mix(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from aps_pipeline.simulator import server

    with monkeypatch.context() as patch:
        patch.setattr(server, "MARK", ("X-Something", "1"))
        site.collect(FIRST, FIRST, ("systems",))  # as the real API answers
    before = site.digest()
    with pytest.raises(MixedDataError, match="APS_DATA_DIR"):
        site.collect(FIRST, FIRST, ("system_hourly_energy",), max_in_flight=1)
    assert site.digest() == before
    pipeline = site.pipeline()
    assert pipeline.ledger.is_simulated() is False
    states = [row["state"] for portion in pipeline.ledger.iter_calls() for row in portion]
    pipeline.ledger.close()
    assert "in_flight" not in states and states.count("denied") >= 1


def test_the_default_directory_takes_no_simulated_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(Path("data")) as site:
        with pytest.raises(MixedDataError):
            site.collect(FIRST, FIRST, ("systems",), max_in_flight=1)
        pipeline = site.pipeline()
        assert pipeline.ledger.is_simulated() is None
        ids = [row["call_id"] for portion in pipeline.ledger.iter_calls() for row in portion]
        assert ids and not pipeline.ledger.read_bodies(ids)
        pipeline.ledger.close()
    assert not list(tmp_path.rglob("*.parquet"))


def test_the_wired_client_is_the_one_of_the_settings(site: Site) -> None:
    settings = settings_for(site.simulator, site.url, site.data_dir)
    pipeline = open_pipeline(settings)
    assert pipeline.lake.url == str(site.data_dir / "lake")
    assert pipeline.accounts[0].quota_account.limit == 100_000
    assert type(pipeline.accounts[0].client()) is type(client_for(settings))
    pipeline.ledger.close()
