"""What commands share on the terminal: tables, lines about the quota, the choice of tables and systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from aps_pipeline.config import Settings
from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline.ledger import Quota
from aps_pipeline.request import check_id
from aps_pipeline.tables import PROFILES, Table, UnknownTableError, get_table

_PIPED_WIDTH = 500


def new_grid(title: str, *columns: str) -> RichTable:
    """Make an empty table; a column whose name ends with `>` is set to the right."""
    grid = RichTable(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(cell(column.removesuffix(">")), justify="right" if column.endswith(">") else "left")
    return grid


def cell(value: object) -> Text:
    """Convert a value to plain text: null is empty, no markup is read, terminal controls are escaped."""
    text = "" if value is None else str(value)
    return Text("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


def show(what: RichTable | str, file: TextIO | None = None) -> None:
    """Print a table or a sentence, to standard output unless a file is given."""
    console = Console(soft_wrap=isinstance(what, str), file=file)
    if not console.is_terminal:
        console = Console(width=_PIPED_WIDTH, soft_wrap=isinstance(what, str), file=file)
    console.print(what)


def quotas_json(quotas: dict[str, Quota], reserved: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Make `quotas` of all accounts with their names; `quota` of the only one, null for several.

    `reserved` are the calls left for other tools, by account, where they are to be told.
    """
    every = {name: asdict(quota) | {"left": quota.left} for name, quota in quotas.items()}
    for name, calls in (reserved or {}).items():
        every[name]["reserved"] = calls
    return {
        "quota": next(iter(every.values())) if len(every) == 1 else None,
        "quotas": [{"name": name} | quota for name, quota in every.items()],
    }


def with_account_name(name: str, sentence: str) -> str:
    """Put the name of an account, where it has one, before a sentence about it."""
    return f"{name}: {sentence}" if name else sentence


def reset_text(quota: Quota) -> str:
    """Say when there will be calls again: `until 2026-11-30 16:00 UTC`."""
    return f"until {quota.resets_utc:%Y-%m-%d %H:%M} UTC"


def parse_ids(text: str) -> tuple[str, ...]:
    """Read ids as they are typed, comma separated. Raises BadIdError."""
    return tuple(check_id(each.strip()) for each in text.split(",") if each.strip())


def select_tables(names: str, profile: str, otherwise: tuple[Table, ...]) -> tuple[Table, ...]:
    """Select the named tables, or a profile, or `otherwise`. Raises UnknownTableError, NotConfiguredError."""
    if names and profile:
        raise NotConfiguredError("--tables and --profile both say what to collect: give one of them")
    if profile and profile not in PROFILES:
        raise NotConfiguredError(f"no profile {profile[:60]!r}; there are: {', '.join(PROFILES)}")
    if profile:
        return PROFILES[profile]
    if not names:
        return otherwise
    found = tuple(get_table(name.strip().removeprefix("core.")) for name in names.split(",") if name.strip())
    for table in found:
        if table.side_of:
            raise UnknownTableError(
                f"{table.name} comes along with {' or '.join(table.side_of)}: ask for that"
            )
    return found


def select_systems(ids: str, settings: Settings) -> tuple[str, ...]:
    """Select the named systems, or all that are configured."""
    return parse_ids(ids) or settings.system_ids
