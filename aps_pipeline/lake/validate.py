"""Refuse rows that break a declaration, and find files that are damaged."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aps_pipeline.errors import Exit, PipelineError
from aps_pipeline.tables import Table


class InvalidRowsError(PipelineError, ValueError):
    """Rows that break the declaration of their table: types, nulls, keys or the partition."""

    exit_code = Exit.REFUSED


def prepare_rows(table: Table, values: tuple[str, ...], rows: pa.Table) -> pa.Table:
    """Prepare the rows of a partition for its file: checked, sorted by key, folder columns dropped.

    Raises InvalidRowsError.
    """
    if not rows.schema.equals(table.schema):
        raise InvalidRowsError(f"{table.name}: columns {rows.schema.names} do not fit the declaration")
    for column in table.columns:
        if not column.nullable and rows.column(column.name).null_count:
            raise InvalidRowsError(f"{table.name}.{column.name} has absent values")
    rows = rows.sort_by([(key, "ascending") for key in table.keys]).combine_chunks()
    if _repeats_key(rows, table.keys):
        raise InvalidRowsError(f"{table.name} has two rows of one key {table.keys}")
    for name, value in zip(table.folder_columns, values, strict=True):
        if name in table.schema.names:
            column = rows.column(name)
            is_inside = pc.equal(column, pa.scalar(value).cast(column.type))
        else:  # the month or the year of its days stands in the folder name only
            days = rows.column({"month": "date", "year": "month"}[name]).cast(pa.string())
            is_inside = pc.starts_with(days, f"{value}-")
        if pc.all(is_inside).as_py() is False:
            raise InvalidRowsError(f"{table.name}: a row with another {name} than {value}")
    return rows.select(table.file_schema.names)


def _repeats_key(rows: pa.Table, keys: Sequence[str]) -> bool:
    """Tell whether two rows of one key stand side by side; the rows are sorted by it."""
    if rows.num_rows < 2:
        return False
    columns = (rows.column(key) for key in keys)
    is_same = reduce(pc.and_, (pc.equal(each[1:], each[:-1]) for each in columns))
    return bool(pc.any(is_same).as_py())


INPUTS = b"aps.inputs"
_PARTITION = b"aps.partition"
_DIGEST = b"aps.sha256"
_NO_DIGEST = b"0" * 64
_MAGIC = b"PAR1"
_SMALLEST = 12
"""Magic, length of the footer, magic."""


class DamagedFileError(ValueError):
    """A file in the lake that is not the partition whose place it takes; the message says why."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """A file that is no sound partition: where it lies, what it belongs to, and what is wrong with it.

    `values` are those of the table's folder columns; None where no partition belongs.
    """

    path: str
    table: Table
    values: tuple[str, ...] | None
    reason: str


def partition_name(table: Table, values: tuple[str, ...]) -> str:
    """Name a partition as its path shows it: `system_hourly_energy/date=2024-03-05`."""
    folders = (f"{name}={value}" for name, value in zip(table.folder_columns, values, strict=True))
    return "/".join([table.name, *folders])


def encode(table: Table, values: tuple[str, ...], rows: pa.Table, inputs: str) -> bytes:
    """Encode a partition file; the same rows and inputs give the same bytes."""
    metadata = {**(rows.schema.metadata or {}), INPUTS: inputs.encode()}
    own = {_PARTITION: partition_name(table, values).encode(), _DIGEST: _NO_DIGEST}
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, rows.schema.with_metadata(metadata), compression="zstd") as writer:
        writer.write_table(rows.replace_schema_metadata(metadata))
        writer.add_key_value_metadata(own)
    content = sink.getvalue()
    return _write_digest(content, _NO_DIGEST, hashlib.sha256(content).hexdigest().encode())


def _write_digest(content: bytes, old: bytes, new: bytes) -> bytes:
    """Put a digest into the place of another, which comes last behind its key. Raises DamagedFileError."""
    at = content.find(old, content.rfind(_DIGEST))
    if at < 0:
        raise DamagedFileError("its footer has changed since it was written")
    return content[:at] + new + content[at + len(new) :]


def check_footer(footer: pq.FileMetaData, table: Table, values: tuple[str, ...]) -> str:
    """Read the inputs that a file was written with. Raises DamagedFileError for another partition."""
    metadata = footer.metadata or {}
    if INPUTS not in metadata:
        raise DamagedFileError("it was not written by this program")
    name = metadata.get(_PARTITION, b"").decode("utf-8", "replace")  # the first release wrote none
    if name not in ("", partition_name(table, values)):
        raise DamagedFileError(f"it is the file of {name}")
    if footer.schema.names != table.file_schema.names:
        raise DamagedFileError("it has other columns")
    return bytes(metadata[INPUTS]).decode("ascii", "replace")


def check_content(content: bytes, table: Table, values: tuple[str, ...]) -> None:
    """Raise DamagedFileError unless these bytes are the whole file of a partition as it was written."""
    check_end(len(content), content[-8:])
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        check_footer(file.metadata, table, values)
        digest = (file.metadata.metadata or {}).get(_DIGEST)
        if digest is None:  # of the first release: what can be read has to do
            file.read()
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"it cannot be read: {str(error).splitlines()[0][:200]}") from None
    if digest is not None:
        written = _write_digest(content, digest, _NO_DIGEST)
        if hashlib.sha256(written).hexdigest().encode() != digest:
            raise DamagedFileError("its content has changed since it was written")


def check_end(size: int, end: bytes) -> None:
    """Raise DamagedFileError for a file that was cut, judged by its length and its last eight bytes."""
    if size < _SMALLEST:
        raise DamagedFileError("it is empty" if not size else "it was cut")
    if end[-4:] != _MAGIC or int.from_bytes(end[:4], "little") > size - _SMALLEST:
        raise DamagedFileError("it was cut, or is no Parquet file")
