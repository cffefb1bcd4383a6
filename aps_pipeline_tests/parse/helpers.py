"""Words for tests of the parsers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aps_pipeline.parse import ParseContext, Parsed, parse_rows
from aps_pipeline.periods import Grain, Period, zone
from aps_pipeline.tables import get_table

LONG_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
GRAINS = {"hourly": Grain.DAY, "daily": Grain.MONTH, "monthly": Grain.YEAR, "yearly": Grain.LIFETIME}


def asked(
    key: str,
    level: str = "hourly",
    at: datetime = LONG_AFTER,
    zone_name: str = "Europe/Paris",
    created: date | None = date(2022, 3, 17),
) -> ParseContext:
    """A call about that period, made at that instant."""
    period = Period.parse(GRAINS.get(level, Grain.DAY), key)
    return ParseContext(7, "S1", "E1", period, at, zone(zone_name), created, timedelta(days=5))


def rows_of(level: str, entries: Any, of: ParseContext) -> list[dict[str, Any]]:
    """The rows of a list of `system_energy`."""
    text = json.dumps({"code": 0, "data": entries})
    return list(parse_rows(get_table(f"system_{level}_energy"), text, of).rows.to_pylist())


def panels_of(strings: Any, key: str = "2024-03-05") -> Parsed:
    """The rows of a batch of strings."""
    text = json.dumps({"code": 0, "data": {"energy": strings}})
    return parse_rows(get_table("inverter_batch_energy"), text, asked(key))
