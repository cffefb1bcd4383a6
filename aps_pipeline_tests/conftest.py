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
from aps_pipeline.warehouse import Built
from aps_pipeline_tests.sites import Site, serving, settings_for

hypothesis.settings.register_profile("tests", deadline=None, max_examples=50)
hypothesis.settings.load_profile("tests")


FOLDER = Path(__file__).parent
FAST = (
    "alerts/test_changes.py",
    "api/",
    "cli/test_csv_cells.py",
    "cli/test_matrix.py",
    "ingest/test_clean_run.py",
    "ingest/test_steps.py",
    "lake/test_integrity.py",
    "lake/test_reading.py",
    "lake/test_writing.py",
    "ledger/test_bodies.py",
    "ledger/test_calls.py",
    "ledger/test_opening.py",
    "ledger/test_quota.py",
    "ledger/test_revisions.py",
    "parse/",
    "planning/",
    "reports/test_words.py",
    "simulator/test_endpoints.py",
    "simulator/test_limits.py",
    "simulator/test_signature.py",
    "simulator/test_wire.py",
    "site/",
    "tables/",
    "test_accounts.py",
    "test_architecture.py",
    "test_config.py",
    "test_envelope.py",
    "test_periods.py",
    "test_question.py",
    "warehouse/test_headers.py",
    "warehouse/test_marts.py",
    "warehouse/test_reconciliation.py",
)
"""What is marked `fast`: a bit of everything that starts no process, no Dagster and no PostgreSQL."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        chosen = (
            item.callspec.params.values()
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else ()
        )
        if _place(item.path).startswith(FAST) and "postgres" not in chosen:
            item.add_marker(pytest.mark.fast)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave unread under `-m fast` what has no such test: to import it all takes longer than to run them."""
    if config.option.markexpr != "fast" or not collection_path.is_relative_to(FOLDER):
        return None
    place = _place(collection_path)
    if collection_path.is_dir():
        return None if any(each.startswith(f"{place}/") for each in FAST) or place == "." else True
    return True if collection_path.name.startswith("test_") and not place.startswith(FAST) else None


def _place(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("APS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A simulator of two systems and three ECUs on a port, a clock for it, and an empty data directory."""
    with serving(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
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
        built: Built = pickle.loads(kept.read_bytes())
    return built


@pytest.fixture
def settings(site: Site) -> Settings:
    """Settings that collect from that simulator."""
    return settings_for(site.simulator, site.url, site.data_dir)
