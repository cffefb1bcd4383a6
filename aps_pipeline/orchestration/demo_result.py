"""What a demo came to, as people read it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from aps_pipeline.config import Settings
from aps_pipeline.ledger import Ledger
from aps_pipeline.warehouse import query

_BY_MONTH = """
    SELECT strftime(month, '%Y-%m') AS month, system_id, round(sum(energy_kwh), 1) AS kwh
    FROM core.system_monthly_energy WHERE month BETWEEN '{first:%Y-%m}-01' AND '{last}'
    GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class Demo:
    """What a demo came to. `calls` are those of this run, as the simulator counted them."""

    first: str
    last: str
    seconds: float
    calls: int
    calls_in_ledger: int
    files: int
    lake_bytes: int
    lake_sha256: str
    data_dir: str
    production: list[dict[str, Any]]


def result_of(settings: Settings, first: date, last: date, seconds: float, calls: int) -> Demo:
    """Look at ledger, lake and warehouse. Raises LedgerError, WarehouseError, OSError."""
    with closing(Ledger(settings.ledger_address)) as ledger:
        held = sum(len(portion) for portion in ledger.rows())
    files = sorted(Path(settings.lake_address).rglob("*.parquet"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(settings.data_dir)).encode() + file.read_bytes())
    return Demo(
        first=first.isoformat(),
        last=last.isoformat(),
        seconds=round(seconds, 1),
        calls=calls,
        calls_in_ledger=held,
        files=len(files),
        lake_bytes=sum(file.stat().st_size for file in files),
        lake_sha256=digest.hexdigest(),
        data_dir=str(settings.data_dir),
        production=query(settings.warehouse_path, _BY_MONTH.format(first=first, last=last)).to_pylist(),
    )


def show(demo: Demo) -> None:
    """Print it, and where to go from here."""
    console = Console()
    console.print(_grid(demo))
    console.print(
        f"{demo.calls:,} calls made, {demo.calls_in_ledger:,} kept in the ledger; "
        f"{demo.files:,} files, {demo.lake_bytes / 1e6:.1f} MB, sha256 {demo.lake_sha256[:12]}; "
        f"{demo.seconds:.0f} s\n",
        highlight=False,
        soft_wrap=True,
    )
    aps = _near(Path(sys.executable).with_name("aps"))
    lines = (
        ("Open the UI:", "make dev"),
        ("Query:", f'APS_DATA_DIR={_near(demo.data_dir)} {aps} sql "FROM mart.monthly_production"'),
        ("Report:", f"APS_DATA_DIR={_near(demo.data_dir)} {aps} report"),
        ("Run again:", f"{aps} demo   (makes 0 calls)"),
    )
    for what, how in lines:
        console.print(f"  {what:<13} {how}", highlight=False, soft_wrap=True)


def _grid(demo: Demo) -> Grid:
    systems = list(dict.fromkeys(row["system_id"] for row in demo.production))
    months = list(dict.fromkeys(row["month"] for row in demo.production))
    kwh = {(row["month"], row["system_id"]): row["kwh"] for row in demo.production}
    grid = Grid(title="Energy by month [kWh]", title_justify="left")
    grid.add_column("month")
    for system in systems:
        grid.add_column(system, justify="right")
    for month in months:
        grid.add_row(month, *(_sum([kwh.get((month, system))]) for system in systems))
    grid.add_section()
    grid.add_row("sum", *(_sum(kwh.get((month, system)) for month in months) for system in systems))
    return grid


def _sum(values: Iterable[float | None]) -> str:
    """What is there added up; nothing where nothing is there, because that is not 0."""
    found = [value for value in values if value is not None]
    return f"{sum(found):,.1f}" if found else ""


def _near(path: str | Path) -> str:
    """A path as one would type it from here."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)
