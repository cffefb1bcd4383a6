"""`aps export`: files in the form that other programs take. Nothing is sent anywhere."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.files import checked_output, write_file
from aps_pipeline.config import load_settings
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

_SOURCE = "aps_pipeline"
_OUTPUTS_PER_BATCH = 30


def homeassistant(
    system_id: str, first: date, last: date, output: Path, force: bool, as_json: bool = False
) -> int:
    """Hours of energy for `recorder/import_statistics`. Raises NotConfiguredError, WarehouseError."""
    settings = load_settings()
    path = checked_output(output, force, settings.data_dir)
    with closing(open_warehouse(settings.warehouse_path)) as connection:
        hours = hours_of_energy(connection, system_id, first, last)
        local = zone(zone_name_of(connection, system_id))
    _refuse_none(hours, system_id, first, last)
    text = json.dumps(statistics(system_id, hours, local), indent=1) + "\n"
    return _write(path, text, len(hours), "hours", as_json)


def pvoutput(
    system_id: str, first: date, last: date, output: Path, force: bool, as_json: bool = False
) -> int:
    """Days of energy for `addbatchoutput`. Raises NotConfiguredError, WarehouseError."""
    settings = load_settings()
    path = checked_output(output, force, settings.data_dir)
    with closing(open_warehouse(settings.warehouse_path)) as connection:
        days = days_of_energy(connection, system_id, first, last)
    _refuse_none(days, system_id, first, last)
    text = "".join(f"{line}\n" for line in batches(days))
    return _write(path, text, len(days), "days", as_json)


def statistics(system_id: str, hours: Sequence[HourOfEnergy], local: ZoneInfo) -> dict[str, Any]:
    """What Home Assistant's `recorder/import_statistics` takes: metadata, and the hours with their sum.

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


def batches(days: Sequence[DayOfEnergy]) -> list[str]:
    """The `data` of each request to PVOutput's addbatchoutput: `yyyymmdd,Wh` joined by semicolons."""
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
