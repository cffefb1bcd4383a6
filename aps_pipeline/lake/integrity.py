"""Telling a sound partition file from one that was cut, flipped, swapped or brought from elsewhere.

The footer of each file holds the name of its partition and a digest of the whole file, made while the place
of the digest itself held zeros. So the file alone is enough to check it, wherever it was copied to.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from aps_pipeline.tables import Table

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
    """A file that is no sound partition: where it lies, of which partition, and what is wrong with it.

    `values` are those of the table's folder columns; None where no partition belongs.
    """

    path: str
    table: Table
    values: tuple[str, ...] | None
    reason: str


def partition_name(table: Table, values: tuple[str, ...]) -> str:
    """A partition as its path shows it: `system_hourly_energy/date=2024-03-05`."""
    folders = (f"{name}={value}" for name, value in zip(table.folder_columns, values, strict=True))
    return "/".join([table.name, *folders])


def encode(table: Table, values: tuple[str, ...], rows: pa.Table, inputs: str) -> bytes:
    """The bytes of a partition file; the same rows and inputs give the same bytes."""
    metadata = {**(rows.schema.metadata or {}), INPUTS: inputs.encode()}
    own = {_PARTITION: partition_name(table, values).encode(), _DIGEST: _NO_DIGEST}
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, rows.schema.with_metadata(metadata), compression="zstd") as writer:
        writer.write_table(rows.replace_schema_metadata(metadata))
        writer.add_key_value_metadata(own)
    content = sink.getvalue()
    return _put_digest(content, _NO_DIGEST, hashlib.sha256(content).hexdigest().encode())


def _put_digest(content: bytes, old: bytes, new: bytes) -> bytes:
    """Put a digest into the place of another, which comes last behind its key. Raises DamagedFileError."""
    at = content.find(old, content.rfind(_DIGEST))
    if at < 0:
        raise DamagedFileError("its footer has changed since it was written")
    return content[:at] + new + content[at + len(new) :]


def check_footer(footer: pq.FileMetaData, table: Table, values: tuple[str, ...]) -> str:
    """The inputs that a file was written with. Raises DamagedFileError where it is of another partition."""
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
        written = _put_digest(content, digest, _NO_DIGEST)
        if hashlib.sha256(written).hexdigest().encode() != digest:
            raise DamagedFileError("its content has changed since it was written")


def check_end(size: int, end: bytes) -> None:
    """Raise DamagedFileError for a file that was cut, judged by its length and its last eight bytes."""
    if size < _SMALLEST:
        raise DamagedFileError("it is empty" if not size else "it was cut")
    if end[-4:] != _MAGIC or int.from_bytes(end[:4], "little") > size - _SMALLEST:
        raise DamagedFileError("it was cut, or is no Parquet file")
