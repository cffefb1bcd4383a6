"""Ledgers of other versions: brought forward with nothing lost, or refused as they are."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aps_pipeline.ledger import Ledger, LedgerError, QuotaAccount
from aps_pipeline.ledger.migrations import migrate, steps
from aps_pipeline.ledger.schema import VERSIONS, metadata
from aps_pipeline_tests.ledger.helpers import answered, make_as_released, request, states

OPEN_AND_SAY = """
import sys
from aps_pipeline.ledger import Ledger
ledger = Ledger(sys.argv[1])
print(sum(len(portion) for portion in ledger.iter_calls()), "alembic" in sys.modules)
"""
DIE_WHILE_MIGRATING = """
import os, signal, sys
from aps_pipeline.ledger import Ledger, migrations
done = migrations.migrate
def migrate(connection):
    done(connection)
    os.kill(os.getpid(), signal.SIGKILL)
migrations.migrate = migrate
Ledger(sys.argv[1])
"""


def schema_of(connection: sa.Connection) -> dict[str, Any]:
    """Everything that the database itself says of its tables."""
    inspector = sa.inspect(connection)
    return {
        name: (
            [
                (c["name"], str(c["type"]), c["nullable"], c["default"], c.get("autoincrement"))
                for c in inspector.get_columns(name)
            ],
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted(
                (key["constrained_columns"], key["referred_table"])
                for key in inspector.get_foreign_keys(name)
            ),
            sorted((index["name"] or "", index["column_names"]) for index in inspector.get_indexes(name)),
        )
        for name in inspector.get_table_names()
    }


def migrated_schema(url: str) -> dict[str, Any]:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        migrate(connection)
        found = schema_of(connection)
        for name in found:
            connection.execute(sa.text(f"DROP TABLE {name} {'CASCADE' if 'postgres' in url else ''}"))
    engine.dispose()
    return found


def test_a_new_ledger_and_a_migrated_one_have_the_same_schema(ledger_url: str) -> None:
    by_steps = migrated_schema(ledger_url)
    Ledger(ledger_url).close()
    engine = sa.create_engine(ledger_url)
    with engine.connect() as connection:
        made = schema_of(connection)
        number = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    engine.dispose()
    assert made == by_steps
    assert set(made) == set(metadata.tables) and number == [VERSIONS[-1]]


def test_the_numbers_are_those_of_the_steps() -> None:
    assert tuple(steps()) == VERSIONS


def test_a_released_ledger_is_migrated_with_all_that_it_holds(
    ledger_url: str, open_ledger: Callable[[], Ledger], account: QuotaAccount
) -> None:
    first = open_ledger()
    call_id = answered(first, account, request(1), "a body")
    first.close()
    make_as_released(ledger_url)
    ledger = open_ledger()
    assert ledger.read_bodies([call_id]) == {call_id: "a body"}
    assert states(ledger) == ["answered"] and ledger.get_quota(account).used == 1
    answered(ledger, account, request(2))
    assert states(open_ledger()) == ["answered"] * 2


@pytest.fixture
def released(tmp_path: Path, account: QuotaAccount) -> Path:
    """An SQLite ledger of the first release with one call."""
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{path}")
    answered(ledger, account, request(1), "a body")
    ledger.close()
    make_as_released(f"sqlite:///{path}")
    return path


def columns_of(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(calls)")}


def test_a_copy_lies_beside_a_migrated_one(released: Path, caplog: pytest.LogCaptureFixture) -> None:
    Ledger(f"sqlite:///{released}").close()
    copy = released.with_name("ledger.sqlite.0001.bak")
    assert "body_sha256" in columns_of(released) and "body_sha256" not in columns_of(copy)
    assert str(copy) in caplog.text and len(caplog.records) == 1
    shutil.copy(copy, released)
    Ledger(f"sqlite:///{released}").close()
    assert "body_sha256" in columns_of(released), "the copy serves as a ledger"
    assert not list(released.parent.glob("*.tmp"))


def test_a_copy_that_cannot_be_made_leaves_the_ledger_as_it_was(released: Path) -> None:
    released.with_name("ledger.sqlite.0001.bak").mkdir()
    with pytest.raises(LedgerError, match="cannot be copied"):
        Ledger(f"sqlite:///{released}")
    assert "body_sha256" not in columns_of(released)


def test_kill_9_while_migrating_leaves_a_ledger_that_opens(released: Path) -> None:
    url = f"sqlite:///{released}"
    killed = subprocess.run([sys.executable, "-c", DIE_WHILE_MIGRATING, url], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert "body_sha256" not in columns_of(released)
    ledger = Ledger(url)
    assert states(ledger) == ["answered"] and "body_sha256" in columns_of(released)
    ledger.close()


def opened(url: str) -> int:
    ledger = Ledger(url)
    count = len(states(ledger))
    ledger.close()
    return count


def test_processes_that_open_an_old_ledger_together_all_succeed(
    ledger_url: str, open_ledger: Callable[[], Ledger], account: QuotaAccount
) -> None:
    first = open_ledger()
    answered(first, account, request(1))
    first.close()
    make_as_released(ledger_url)
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(opened, [ledger_url] * 3, timeout=60)) == [1, 1, 1]


def test_a_newer_ledger_is_refused(ledger_url: str, open_ledger: Callable[[], Ledger]) -> None:
    open_ledger().close()
    engine = sa.create_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0999'"))
    engine.dispose()
    with pytest.raises(LedgerError, match=r"newer aps-pipeline \(version 0999.*update aps-pipeline"):
        open_ledger()


@pytest.mark.parametrize("column", ["error", "body_bytes", "code"])
def test_one_that_no_step_knows_is_refused_and_left_alone(
    ledger_url: str, open_ledger: Callable[[], Ledger], column: str
) -> None:
    open_ledger().close()
    make_as_released(ledger_url, f"ALTER TABLE calls DROP COLUMN {column}")
    with pytest.raises(LedgerError, match=rf"lacks calls\.{column}"):
        open_ledger()
    engine = sa.create_engine(ledger_url)
    with engine.connect() as connection:
        assert "processes" not in sa.inspect(connection).get_table_names()
    engine.dispose()


@pytest.mark.parametrize(
    "damage", ["ALTER TABLE calls DROP COLUMN error", "DROP TABLE quotas"], ids=["a column", "a table"]
)
def test_one_that_lacks_something_of_its_version_is_refused_when_it_is_opened(
    ledger_url: str, open_ledger: Callable[[], Ledger], damage: str
) -> None:
    open_ledger().close()
    engine = sa.create_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(sa.text(damage))
    engine.dispose()
    with pytest.raises(LedgerError, match="is damaged"):
        open_ledger()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE calls (number TEXT)")
    with pytest.raises(LedgerError, match="another program"):
        Ledger(f"sqlite:///{path}")


def test_a_ledger_of_this_version_is_opened_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    for _ in range(2):
        command = [sys.executable, "-c", OPEN_AND_SAY, url]
        said = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True, env=os.environ)
        assert said.stdout.split() == ["0", "False"]
