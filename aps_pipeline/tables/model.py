"""What a table declaration is: columns with meaning and unit, keys, partition, and the source of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

import pyarrow as pa

from aps_pipeline.periods import KEY_LENGTH, Grain
from aps_pipeline.tables.caveats import Caveat

TYPE_NAMES = {
    pa.string(): "text",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.int8(): "int8",
    pa.int16(): "int16",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.date32(): "date",
    pa.timestamp("us", "UTC"): "timestamptz",
}
"""The types a column may have, with the name that people see."""

_FOLDER_COLUMNS = {Grain.DAY: ("date",), Grain.MONTH: ("month",), Grain.YEAR: ("year",), Grain.LIFETIME: ()}

Group = Literal["inventory", "system", "ecu", "inverter", "meter", "quality"]


@dataclass(frozen=True)
class Column:
    """One column: what it means, in which unit, and whether it may be absent (null)."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""
    nullable: bool = False

    @property
    def comment(self) -> str:
        """Meaning and unit in one line."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning

    @property
    def field(self) -> pa.Field:
        """The Arrow field, which carries description and unit into the Parquet file."""
        metadata = {"description": self.meaning} | ({"unit": self.unit} if self.unit else {})
        return pa.field(self.name, self.type, nullable=self.nullable, metadata=metadata)


@dataclass(frozen=True)
class Source:
    """The kind of call that feeds a table: endpoint and level, with the section of the manual."""

    endpoint: str
    level: str
    section: str

    @property
    def kind(self) -> tuple[str, str]:
        """Endpoint and level."""
        return self.endpoint, self.level


@dataclass(frozen=True)
class Table:
    """One table of the contract. Its name is the asset key, the folder and the DuckDB table."""

    name: str
    group: Group
    row_description: str
    """What one row is."""
    description: str
    partition_grain: Grain
    """How long the period of one partition is, and of one call; a lifetime is an unpartitioned table."""
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    source: Source
    also_from: tuple[Source, ...] = ()
    """Other kinds of call that feed it, read before `source`."""
    caveats: tuple[Caveat, ...] = ()
    notes: tuple[str, ...] = ()
    """What is particular to this table."""
    side_of: tuple[str, ...] = ()
    """Names of the tables whose partitions write this one along; empty for a table of its own."""

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns in their order, as readers see them."""
        return pa.schema([column.field for column in self.columns], {"description": self.description})

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints whose answers it is made from."""
        return tuple(each.endpoint for each in (*self.also_from, self.source))

    @property
    def is_partitioned(self) -> bool:
        """Whether it has a partition for each day, month or year."""
        return self.partition_grain is not Grain.LIFETIME

    @property
    def folder_columns(self) -> tuple[str, ...]:
        """Columns that stand in the folder name, Hive style: `date=2024-03-05`."""
        own = _FOLDER_COLUMNS[self.partition_grain]
        return (("source_table", *own)) if self.side_of else own

    def is_partition(self, values: tuple[str, ...]) -> bool:
        """Tell whether these values of the folder columns can be those of a partition."""
        *source, key = values if self.is_partitioned else (*values, "")
        if self.side_of and source != [each for each in self.side_of if each in source]:
            return False
        try:
            date.fromisoformat(key + "2000-01-01"[len(key) :])
        except ValueError:
            return False
        return len(key) == KEY_LENGTH[self.partition_grain] and len(values) == len(self.folder_columns)

    @cached_property
    def no_rows(self) -> pa.Table:
        """Its columns without a row; made once, for it stands beside the rows of every answer."""
        return self.schema.empty_table()

    @cached_property
    def file_schema(self) -> pa.Schema:
        """The columns inside a file: all but those in the folder name, as Hive readers expect."""
        inside = [c.field for c in self.columns if c.name not in self.folder_columns]
        return pa.schema(inside, self.schema.metadata)

    @property
    def summary(self) -> str:
        """What it holds and what one row is, in two sentences."""
        return f"{self.description} {self.row_description[0].upper()}{self.row_description[1:]}."

    @property
    def origin(self) -> str:
        """The kind of call that feeds it, in a sentence of Markdown."""
        if self.side_of:
            return f"Written along with {' and '.join(f'`{name}`' for name in self.side_of)}."
        level = f" `{self.source.level}`" if self.source.level else ""
        return f"Source: `{self.source.endpoint}`{level}, manual {self.source.section}."

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know before using it: caveats with their code, then what is particular to it."""
        return (*(caveat.comment for caveat in self.caveats), *self.notes)

    @property
    def is_snapshot(self) -> bool:
        """Whether every answer is kept as rows of its own, not only the newest."""
        return "taken_utc" in self.keys

    @property
    def is_five_minute(self) -> bool:
        """Whether its rows are slots of 5 minutes: many, so the warehouse shows them where they lie."""
        return "label" in self.keys

    @property
    def is_sub_day(self) -> bool:
        """Whether its rows are parts of a day."""
        return self.is_five_minute or "hour" in self.keys

    @property
    def measures(self) -> tuple[Column, ...]:
        """The columns with a unit: what was measured."""
        return tuple(column for column in self.columns if column.unit)


def empty(table: Table) -> pa.Table:
    """Build `table` without rows."""
    return table.no_rows


def from_columns(table: Table, columns: Mapping[str, object], count: int | None = None) -> pa.Table:
    """Rows of `table` from its columns by name: lists or Arrow arrays; with `count`, also one value for all.

    Raises pa.ArrowInvalid or KeyError.
    """
    arrays = [_array(columns[field.name], field.type, count) for field in table.schema]
    return pa.Table.from_arrays(arrays, schema=table.schema)


_ARROW = (pa.Array, pa.ChunkedArray)


def _array(values: object, kind: pa.DataType, count: int | None) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, _ARROW):
        return values.cast(kind)
    if isinstance(values, list):
        return pa.array(values, kind)
    return pa.repeat(pa.scalar(values, kind), count)
