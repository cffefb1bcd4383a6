"""Write energy as other programs take it: files only, nothing is sent."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aps_pipeline.atomic import replace_file
from aps_pipeline.config import load_settings
from aps_pipeline.errors import Exit, PipelineError
from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline.periods import zone
from aps_pipeline.warehouse import open_warehouse
from aps_pipeline.warehouse.exports import (
    DayOfEnergy,
    HourOfEnergy,
    days_of_energy,
    hours_of_energy,
    zone_name_of,
)

_OWN = ("dagster", "lake", "ledger.sqlite", "warehouse.duckdb")
"""What an option must not name, below APS_DATA_DIR."""


class OutputError(PipelineError, OSError):
    """A file cannot be written; the message names it."""

    exit_code = Exit.STORAGE


def check_output(path: Path, force: bool, data_dir: Path) -> Path:
    """Check where to write, links followed; none of the pipeline's own files in `data_dir`.

    Raises NotConfiguredError for those, and for what is there already, but a file if `force`.
    """
    path = path.resolve()
    if any(path.is_relative_to(own) for own in (data_dir.resolve() / name for name in _OWN)):
        raise NotConfiguredError(f"{path} belongs to the pipeline itself: give another file")
    if path.exists() and not (force and path.is_file()):
        hint = "--force replaces it" if path.is_file() else "it is not a file"
        raise NotConfiguredError(f"{path} exists: {hint}")
    return path


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file beside `path`, then rename it in. Raises OutputError."""
    try:
        with replace_file(path) as temporary:
            write(temporary)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


_SOURCE = "aps_pipeline"
_OUTPUTS_PER_BATCH = 30


def write_homeassistant_file(
    system_id: str, first: date, last: date, output: Path, force: bool, as_json: bool = False
) -> int:
    """Write hours for `recorder/import_statistics`. Raises NotConfiguredError, WarehouseError."""
    settings = load_settings()
    path = check_output(output, force, settings.data_dir)
    with closing(open_warehouse(settings.warehouse_path)) as connection:
        hours = hours_of_energy(connection, system_id, first, last)
        local = zone(zone_name_of(connection, system_id))
    _refuse_none(hours, system_id, first, last)
    text = json.dumps(homeassistant_statistics(system_id, hours, local), indent=1) + "\n"
    return _write(path, text, len(hours), "hours", as_json)


def write_pvoutput_file(
    system_id: str, first: date, last: date, output: Path, force: bool, as_json: bool = False
) -> int:
    """Write days of energy for `addbatchoutput`. Raises NotConfiguredError, WarehouseError."""
    settings = load_settings()
    path = check_output(output, force, settings.data_dir)
    with closing(open_warehouse(settings.warehouse_path)) as connection:
        days = days_of_energy(connection, system_id, first, last)
    _refuse_none(days, system_id, first, last)
    text = "".join(f"{line}\n" for line in pvoutput_batches(days))
    return _write(path, text, len(days), "days", as_json)


def homeassistant_statistics(
    system_id: str, hours: Sequence[HourOfEnergy], local: ZoneInfo
) -> dict[str, Any]:
    """Build what `recorder/import_statistics` takes: metadata, and the hours with their sum.

    It wants starts with minute 0. In zones of half hours only local time has those.
    """
    slug = re.sub("[^0-9a-z]+", "_", system_id.lower()).strip("_")
    return {
        "metadata": {
            "has_sum": True,
            "mean_type": 0,
            "name": f"APsystems {system_id}",
            "source": _SOURCE,
            "statistic_id": f"{_SOURCE}:energy_{slug}",
            "unit_class": "energy",
            "unit_of_measurement": "kWh",
        },
        "stats": [
            {
                "start": hour.start_utc.astimezone(local).replace(minute=0).isoformat(),
                "state": hour.energy_kwh,
                "sum": hour.sum_kwh,
            }
            for hour in hours
        ],
    }


def pvoutput_batches(days: Sequence[DayOfEnergy]) -> list[str]:
    """Build the `data` of each request to addbatchoutput: `yyyymmdd,Wh` joined by semicolons."""
    outputs = [f"{day.date:%Y%m%d},{round(day.energy_kwh * 1000)}" for day in days]
    return [";".join(outputs[n : n + _OUTPUTS_PER_BATCH]) for n in range(0, len(outputs), _OUTPUTS_PER_BATCH)]


def _refuse_none(rows: Sequence[object], system_id: str, first: date, last: date) -> None:
    if not rows:
        raise NotConfiguredError(
            f"there is no whole day of {system_id} from {first} to {last}: see `aps status`"
        )


def _write(path: Path, text: str, count: int, what: str, as_json: bool) -> int:
    write_file(path, lambda temporary: temporary.write_text(text, "utf-8"))
    if as_json:
        print(json.dumps({"exit_code": int(Exit.COMPLETE), what: count, "file": str(path)}))
    else:
        print(f"{count:,} {what} written to {path}", file=sys.stderr)
    return Exit.COMPLETE
