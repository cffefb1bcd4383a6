"""Fixtures for every package: no settings of the machine, a clock to turn, a simulator to collect from."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from aps_pipeline.config import Settings
from aps_pipeline.warehouse import BuiltWarehouse
from aps_pipeline_tests.sites import Site, serving, settings_for

hypothesis.settings.register_profile("tests", deadline=None, max_examples=50)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=10)
hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine() -> Iterator[None]:
    # Not by the fixture `monkeypatch`: it has to be undone before the patches of a test's own fixtures are.
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.upper().startswith("APS_"):
                patch.delenv(name)
        yield


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A simulator of two systems and three ECUs on a port, a clock for it, and an empty data directory."""
    with serving(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> BuiltWarehouse:
    """The warehouse that the data dictionary shows rows of, with ledger and lake beside it.

    The first worker that needs it builds it for all.
    """
    from aps_pipeline.dictionary import build_sample

    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    kept = folder / "sample.pickle"
    with FileLock(folder / "sample.lock"):
        if not kept.exists():
            (folder / "sample").mkdir()
            kept.write_bytes(pickle.dumps(build_sample(folder / "sample")))
        built: BuiltWarehouse = pickle.loads(kept.read_bytes())
    return built


@pytest.fixture
def settings(site: Site) -> Settings:
    """Settings that collect from that simulator."""
    return settings_for(site.simulator, site.url, site.data_dir)
