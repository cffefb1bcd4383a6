"""Opening a ledger: the engine, and the schema at the version that this code knows.

A ledger at that version is opened with one query and no lock. One without tables is made; an older one is
migrated, on SQLite after a copy beside it; a newer or foreign one is refused as it is.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout

from aps_pipeline.atomic import replace_file
from aps_pipeline.ledger.errors import LedgerBusyError, LedgerError, first_line, is_locked
from aps_pipeline.ledger.schema import VERSIONS, calls, metadata, schema_version

PATIENCE_SECONDS = 25.0
"""How long to wait for another process that keeps the ledger locked."""

_MAKING_TABLES = 20_240_305
"""The number of a PostgreSQL advisory lock; any that nobody else uses."""

_NEEDED = {
    "calls": (
        "call_id account quota_month endpoint level system_id device_id period state sent_utc finished_utc "
        "http_status code error body_bytes owner"
    ),
    "bodies": "call_id body",
    "quotas": "account month used refused_at_monthly_calls",
    "facts": "name value",
}
"""The columns of the first release, in the tables that its migrations build on."""

_logger = logging.getLogger(__name__)


def allow_new(_name: str) -> None:
    """Where a ledger without calls is nobody's concern."""


def open_engine(url: str, patience: float, before_first: Callable[[str], None] = allow_new) -> sa.Engine:
    """Open an engine on a ledger at the newest version of the schema, after the migrations that it needs.

    `patience` is how many seconds to wait for a lock.
    `before_first` is told the address before a ledger without calls is made or used; it may refuse.
    Raises LedgerError for a ledger that this code cannot bring to its version, sqlalchemy.exc.SQLAlchemyError
    or OSError.
    """
    address = sa.make_url(url)
    file, name = _file_of(address), address.render_as_string(hide_password=True)
    if file is not None:
        if not file.exists() or not file.stat().st_size:
            before_first(name)  # ahead of the connection, which would make the file
        file.parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(address, file, patience)
    try:
        _bring_to_head(engine, name, file, patience)
        if not _has_calls(engine, name):
            before_first(name)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _engine(address: sa.URL, file: Path | None, patience: float) -> sa.Engine:
    if address.get_backend_name() != "sqlite":
        engine = sa.create_engine(address, pool_pre_ping=True)
        if address.get_backend_name() == "postgresql":
            sa.event.listen(engine, "connect", lambda raw, _: _limit_waiting(raw, patience))
        return engine
    engine = sa.create_engine(address, connect_args={"timeout": patience})
    sa.event.listen(engine, "connect", lambda raw, _: _configure_sqlite(raw, file, patience))
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _file_of(address: sa.URL) -> Path | None:
    """Find the file of an SQLite ledger; None for one in memory and for other databases."""
    name = address.database
    is_file = address.get_backend_name() == "sqlite" and name and name != ":memory:"
    return Path(str(name)) if is_file else None


def _bring_to_head(engine: sa.Engine, name: str, file: Path | None, patience: float) -> None:
    """Make or migrate the tables, unless they are at the newest version already."""
    if _is_at_head(engine, name):
        return
    with _lock_file(file, patience), engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":  # where two processes would both make the tables
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING_TABLES)))
        inspector = sa.inspect(connection)
        version = _version(connection) if inspector.has_table(schema_version.name) else None
        if version == VERSIONS[-1]:
            return  # another process has just done it
        if version is None and not inspector.has_table(calls.name):
            metadata.create_all(connection)
            connection.execute(sa.insert(schema_version).values(version_num=VERSIONS[-1]))
            return
        if version is None:
            _refuse_foreign(inspector, name)
        copy = _copy_beside(file, version or VERSIONS[0])
        from aps_pipeline.ledger.migrations import migrate  # noqa: PLC0415 - Alembic takes long to import

        migrate(connection)
    _logger.warning(
        "the ledger was brought from version %s of its schema to %s%s",
        version or VERSIONS[0],
        VERSIONS[-1],
        f"; a copy as it was is {copy}" if copy else "",
    )


def _is_at_head(engine: sa.Engine, name: str) -> bool:
    """Tell whether nothing is to be done. Raises LedgerError for a ledger of a newer version."""
    with engine.connect() as connection:
        try:
            version = _version(connection)
        except sa.exc.DBAPIError as error:
            if is_locked(error):
                raise
            return False  # no such table, which is looked into under a lock
    if version is not None and version not in VERSIONS:
        raise LedgerError(
            f"the ledger {name} was written by a newer aps-pipeline (version {version} of its schema, this "
            f"one knows up to {VERSIONS[-1]}): update aps-pipeline. Nothing was changed and no call was made"
        )
    return version == VERSIONS[-1]


def _version(connection: sa.Connection) -> str | None:
    found = connection.execute(sa.select(schema_version.c.version_num)).scalar()
    return None if found is None else str(found)


def _refuse_foreign(inspector: sa.Inspector, name: str) -> None:
    """Raise LedgerError unless every column is there that the migrations build on."""
    missing = []
    for table, columns in _NEEDED.items():
        there = (
            {each["name"] for each in inspector.get_columns(table)} if inspector.has_table(table) else set()
        )
        missing += [f"{table}.{column}" for column in columns.split() if column not in there]
    if missing:
        raise LedgerError(
            f"the ledger {name} is older than any that can be migrated, or of another program: it lacks "
            f"{', '.join(missing[:5])}. Put the right ledger there, or point APS_LEDGER_URL elsewhere. "
            "Nothing was changed and no call was made"
        )


def _has_calls(engine: sa.Engine, name: str) -> bool:
    """Whether a call was ever made. Raises LedgerError where a table or column of this version is missing."""
    found = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            try:
                # Spelt out: SQLAlchemy takes 2 ms to write each of them, at every opening.
                query = f"SELECT {', '.join(table.columns.keys())} FROM {table.name} LIMIT 1"  # noqa: S608
                found[table.name] = connection.exec_driver_sql(query).first()
            except (sa.exc.OperationalError, sa.exc.ProgrammingError) as error:
                if is_locked(error):
                    raise
                raise LedgerError(
                    f"the ledger {name} is damaged: {first_line(error)}. Put a copy of it in its place; "
                    "no call was made"
                ) from error
    return found[calls.name] is not None


@contextmanager
def _lock_file(file: Path | None, patience: float) -> Iterator[None]:
    """Only one process at a time makes, switches or migrates an SQLite ledger. Raises LedgerBusyError."""
    if file is None:
        yield
        return
    try:
        with FileLock(f"{file}.lock", timeout=patience):
            yield
    except Timeout as error:
        raise LedgerBusyError("another process is making or migrating the ledger: try again") from error


def _copy_beside(file: Path | None, version: str) -> Path | None:
    """Copy an SQLite ledger as it is, whole or not at all. The caller holds the lock to write."""
    if file is None:
        return None
    copy = file.with_name(f"{file.name}.{version}.bak")
    # Under the lock only one writes, so the name beside is fixed: the next copy replaces what a kill left.
    beside = copy.with_name(f"{copy.name}.tmp")
    try:
        with (
            replace_file(copy, beside=beside),
            closing(sqlite3.connect(file)) as source,
            closing(sqlite3.connect(beside)) as target,
        ):
            source.backup(target)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(
            f"the ledger has to be migrated and cannot be copied to {copy}: {error}. Nothing was changed"
        ) from error
    return copy


def _limit_waiting(raw: Any, patience: float) -> None:
    """Let PostgreSQL give up on a lock that another session keeps."""
    was, raw.autocommit = raw.autocommit, True  # or a rollback would undo the setting
    with raw.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {int(patience * 1000)}")
    raw.autocommit = was


def _configure_sqlite(raw: Any, file: Path | None, patience: float) -> None:
    raw.isolation_level = None  # we begin transactions ourselves
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA foreign_keys=ON")
    if raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with _lock_file(file, patience):
            _switch_to_wal(raw, patience)


def _switch_to_wal(raw: Any, patience: float) -> None:
    """Switch the journal, for which SQLite waits for no other connection: so it is tried again."""
    deadline = time.monotonic() + patience
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    # A write takes the lock at once: two readers that both turn writers would fail instead of waiting.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
