"""Read and upsert partitions through pyarrow.fs: each is one file, replaced whole."""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from aps_pipeline.atomic import STALE_SECONDS, replace_file
from aps_pipeline.errors import Exit, PipelineError
from aps_pipeline.lake.validate import (
    DamagedFileError,
    FileFault,
    check_content,
    check_end,
    check_footer,
    encode,
    partition_name,
    prepare_rows,
)
from aps_pipeline.tables import Table

_FILE = "part-0.parquet"
_STAGING = ".staging"
_DAMAGED = ".damaged"


class StorageError(PipelineError, OSError):
    """The lake cannot be read or written; the message names the path."""

    exit_code = Exit.STORAGE


@dataclass(frozen=True, slots=True)
class PartitionOrigin:
    """A partition that is there: the inputs it was written with, and its rows."""

    inputs: str
    rows: int


@dataclass(frozen=True, slots=True)
class LakeState:
    """How many partitions there are, and when one was last written or removed (ns since 1970; 0: never)."""

    partitions: int
    changed_ns: int


class Lake:
    """The Parquet files below a path or an `s3://bucket/prefix`.

    Args:
        url: a directory or an object store address, as `APS_LAKE_URL`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            if "://" in url:
                self._fs, self._root = pafs.FileSystem.from_uri(url)
                if not self._root.strip("/"):
                    raise ValueError("it names no bucket and no directory")
            else:
                self._fs, self._root = pafs.LocalFileSystem(), str(Path(url).absolute())
        except (pa.ArrowException, OSError, ValueError) as error:
            raise StorageError(
                f"the lake {_without_credentials(url)} cannot be opened: {type(error).__name__}"
            ) from None
        self._local = isinstance(self._fs, pafs.LocalFileSystem)

    @property
    def name(self) -> str:
        """The address as people may see it."""
        return _without_credentials(self.url)

    def path(self, table: Table, values: tuple[str, ...] = ()) -> str:
        """Find where the file of a partition lies; `values` are those of `table.folder_columns`."""
        return f"{self._root}/core/{partition_name(table, values)}/{_FILE}"

    def _folder(self, table: Table) -> str:
        return f"{self._root}/core/{table.name}"

    def write(self, table: Table, values: tuple[str, ...], rows: pa.Table, inputs: str) -> int:
        """Replace one partition in one step and return its number of rows.

        `inputs` names the answers that the rows were made from; the same inputs give the same bytes.
        Raises InvalidRowsError, StorageError.
        """
        rows = prepare_rows(table, values, rows)
        content = encode(table, values, rows, inputs)
        with self._as_storage_error(path := self.path(table, values)):
            if self._local:
                beside = Path(self._root, _STAGING, f"{uuid.uuid4().hex}.parquet")
                with replace_file(Path(path), beside=beside):
                    beside.write_bytes(content)
            else:
                with self._fs.open_output_stream(path) as stream:
                    stream.write(content)
        return int(rows.num_rows)

    def remove(self, table: Table, values: tuple[str, ...]) -> None:
        """Remove one partition, if it is there. Raises StorageError."""
        with self._as_storage_error(path := self.path(table, values)):
            if self._fs.get_file_info(path).type is pafs.FileType.File:
                self._fs.delete_file(path)

    def clean(self) -> None:
        """Remove what a killed writer left in the staging directory more than an hour ago."""
        if self._local and (staging := Path(self._root, _STAGING)).is_dir():
            for leftover in staging.iterdir():
                with contextlib.suppress(FileNotFoundError):  # another process cleans as well
                    if leftover.stat().st_mtime < time.time() - STALE_SECONDS:
                        leftover.unlink()

    def origin(self, table: Table, values: tuple[str, ...]) -> PartitionOrigin | None:
        """Read what the partition was made from; None if there is none or its footer is not its own."""
        try:
            with self._fs.open_input_file(self.path(table, values)) as stream:
                metadata = pq.read_metadata(stream)
            return PartitionOrigin(check_footer(metadata, table, values), metadata.num_rows)
        except (pa.ArrowException, OSError, DamagedFileError):
            return None  # a damaged file is a missing one: it will be written again

    def files(self, table: Table) -> list[str]:
        """List the paths of all partitions of a table in order, readable as they are. Raises StorageError."""
        return sorted(info.path for info in self._list(self._folder(table)) if info.base_name == _FILE)

    def _content(self, path: str) -> bytes:
        with self._as_storage_error(path), self._fs.open_input_file(path) as stream:
            return bytes(stream.read())

    def check_files(
        self, tables: Iterable[Table], *, ends_only: bool = False
    ) -> Iterator[tuple[str, FileFault | None]]:
        """Each file of those tables, and what is wrong with it; None if nothing is. Raises StorageError.

        With `ends_only`, just its place and its last bytes are looked at, which finds what was cut; in an
        object store, where that would be a request a file, only its place.
        """
        for table in tables:
            for path in self.files(table):
                values = self.values(table, path)
                try:
                    if values is None:
                        raise DamagedFileError("no partition belongs there")
                    if not ends_only:
                        check_content(self._content(path), table, values)
                    elif self._local:
                        check_end(*_end_of(path))
                except FileNotFoundError:
                    continue
                except StorageError as error:
                    if not isinstance(error.__cause__, FileNotFoundError):
                        raise
                except DamagedFileError as error:
                    yield path, FileFault(path, table, values, str(error))
                else:
                    yield path, None

    def values(self, table: Table, path: str) -> tuple[str, ...] | None:
        """Read the values of the folder columns in a path; None where it is not that of a partition."""
        folders = path.removeprefix(f"{self._folder(table)}/").split("/")[:-1]
        values = tuple(folder.partition("=")[2] for folder in folders)
        is_whole = len(values) == len(table.folder_columns) and self.path(table, values) == path
        return values if is_whole and table.is_partition(values) else None

    def set_aside(self, fault: FileFault) -> str:
        """Take a damaged file out of its table without deleting it; where it lies now.

        Raises StorageError.
        """
        inside = fault.path.removeprefix(f"{self._root}/core/")
        aside = f"{self._root}/{_DAMAGED}/{uuid.uuid4().hex[:8]}/{inside}"
        with self._as_storage_error(fault.path):
            if self._local:  # an object store has no folders
                self._fs.create_dir(aside.rpartition("/")[0])
            self._fs.move(fault.path, aside)
        return aside

    def has_rows(self) -> bool:
        """Tell whether any partition holds rows, by as few listings as that takes. Raises StorageError.

        One that is damaged may have held some. A run that made no call leaves inventory tables without rows.
        """
        folders = [f"{self._root}/core"]
        while folders:
            for info in self._list(folders.pop(), deep=False):
                if info.type is pafs.FileType.Directory:
                    folders.append(info.path)
                elif info.base_name == _FILE and self._rows(info.path) != 0:
                    return True
        return False

    def _rows(self, path: str) -> int | None:
        """Count the number of rows of a file; None if it cannot be read."""
        try:
            with self._fs.open_input_file(path) as stream:
                return int(pq.read_metadata(stream).num_rows)
        except (pa.ArrowException, OSError):
            return None

    def state(self) -> LakeState | None:
        """Read what every later write or removal changes; None for an object store. Raises StorageError.

        A rename or a removal changes the time of its folder, which an object store does not have.
        """
        if not self._local:
            return None
        core = f"{self._root}/core"
        found = self._list(core)
        with self._as_storage_error(core):
            found.append(self._fs.get_file_info(core))
        return LakeState(
            sum(info.base_name == _FILE for info in found), max(info.mtime_ns or 0 for info in found)
        )

    def _list(self, folder: str, *, deep: bool = True) -> list[pafs.FileInfo]:
        """List all files and folders below a folder, or only those in it; none if it is not there."""
        with self._as_storage_error(folder):
            selector = pafs.FileSelector(folder, recursive=deep, allow_not_found=True)
            return list(self._fs.get_file_info(selector))

    def read_partition(self, table: Table, values: tuple[str, ...]) -> pa.Table | None:
        """Read the rows of one partition; None if it is not there or not sound."""
        path = self.path(table, values)
        try:
            content = self._content(path)
            check_content(content, table, values)
        except (StorageError, DamagedFileError):
            return None
        rows = pq.ParquetFile(pa.BufferReader(content)).read()
        for name, value in zip(table.folder_columns, values, strict=True):
            if name in table.schema.names:
                kind = table.schema.field(name).type
                rows = rows.append_column(name, pa.repeat(pa.scalar(value).cast(kind), rows.num_rows))
        return rows.select(table.schema.names).cast(table.schema)

    def read(self, table: Table) -> pa.Table:
        """Read all rows of a table, in the order of its partitions. Raises StorageError."""
        files = self.files(table)
        if not files:
            return table.schema.empty_table()
        folders = [f for f in table.schema if f.name in table.folder_columns]
        import pyarrow.dataset as ds  # noqa: PLC0415 - brings pandas along, which takes longer than most runs

        rows = ds.dataset(
            files,
            schema=table.schema,
            format="parquet",
            filesystem=self._fs,
            partitioning=ds.HivePartitioning(pa.schema(folders)),
            partition_base_dir=self._folder(table),
        )
        with self._as_storage_error(self._folder(table)):
            return rows.to_table().replace_schema_metadata(table.schema.metadata)

    @contextlib.contextmanager
    def _as_storage_error(self, path: str) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise StorageError(f"{path}: {error}") from error


def _end_of(path: str) -> tuple[int, bytes]:
    """Read the length of a local file, and its last eight bytes. Raises FileNotFoundError."""
    with Path(path).open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 8))
        return size, stream.read()


def _without_credentials(url: str) -> str:
    """Write the address without a key and secret in it."""
    return re.sub(r"(?<=//)[^/@]*@", "", url.split("?", 1)[0])
