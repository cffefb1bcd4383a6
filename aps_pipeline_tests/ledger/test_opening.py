"""Ledgers that cannot be opened or used."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from aps_pipeline.ledger import Ledger, LedgerBusyError, LedgerError, QuotaAccount
from aps_pipeline_tests.ledger.helpers import request, states


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "://",
        "postgresql://user:hush-hush@127.0.0.1:notaport/db",
        "postgresql+psycopg2://user:hush-hush@127.0.0.1:9/db?connect_timeout=2",
        "nodialect://user:hush-hush@host/db",
        "sqlite:////proc/nowhere/ledger.sqlite",
        "sqlite:////dev/null/ledger.sqlite",
    ],
)
def test_an_address_that_cannot_be_used_is_an_error_of_the_ledger(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger(url)
    assert "cannot open the ledger" in str(caught.value)
    assert "hush-hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_an_error_of_the_ledger(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_text("something else, and long enough to be taken for a page of something" * 100)
    with pytest.raises(LedgerError):
        Ledger(f"sqlite:///{file}")
    assert file.read_text().startswith("something else")


def test_missing_directories_are_made(tmp_path: Path) -> None:
    Ledger(f"sqlite:///{tmp_path}/a/b/ledger.sqlite").close()
    assert (tmp_path / "a/b/ledger.sqlite").is_file()


def test_a_locked_ledger_is_said_to_be_busy(tmp_path: Path, account: QuotaAccount) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", patience=0.05)
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerBusyError):
        ledger.reserve(request(), account)
    other.execute("COMMIT")
    ledger.reserve(request(), account)
    other.close()
    ledger.close()


def test_threads_that_wait_for_a_lock_together_give_up_together(
    tmp_path: Path, account: QuotaAccount
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", patience=0.5)
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ledger.reserve, request(n + 1), account) for n in range(8)]
    assert all(isinstance(each.exception(), LedgerBusyError) for each in asked)
    assert time.monotonic() - began < 3
    other.close()
    ledger.close()


def test_postgresql_gives_up_on_a_lock_as_well(postgres: str, account: QuotaAccount) -> None:
    ledger = Ledger(postgres, patience=0.1)
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE calls"))
        with pytest.raises(LedgerBusyError):
            ledger.reserve(request(), account)
        with pytest.raises(LedgerBusyError):
            Ledger(postgres, patience=0.1)
    engine.dispose()
    ledger.reserve(request(), account)
    ledger.close()


def test_threads_of_one_process_share_a_ledger(ledger: Ledger, account: QuotaAccount) -> None:
    failed: list[BaseException] = []

    def work(n: int) -> None:
        try:
            ledger.reserve(request(system_id=f"S{n}"), account)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and len(states(ledger)) == 10


def test_a_write_that_fails_leaves_nothing_behind(ledger: Ledger, account: QuotaAccount) -> None:
    with pytest.raises(LedgerError):
        ledger.reserve(request(), QuotaAccount(None, 10, 0, account.zone))  # type: ignore[arg-type]
    assert states(ledger) == [] and ledger.get_quota(account).used == 0
