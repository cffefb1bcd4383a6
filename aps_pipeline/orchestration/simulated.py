"""Simulated data: where it lives, apart from real data, the site files of its roofs, and its settings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import yaml

from aps_pipeline.atomic import replace_file
from aps_pipeline.config import Settings, load_settings
from aps_pipeline.simulator import NAMES, Fleet, Simulator, roof_of, tariffs_of

NO_LIMIT = 1_000_000

ROOF_FILE, TARIFF_FILE = "roof.yaml", "tariffs.yaml"
"""The owner's notes on roofs and prices, in the data directory of the demo."""

_MADE = "# Made from the simulated fleet, and made again by every demo.\n"


class _Dumper(yaml.SafeDumper):
    """Quotes every id of digits, as people should write them."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if text.isdecimal() else None)


_Dumper.add_representer(str, _represent_text)


def demo_dir() -> Path:
    """Find the data directory of the demo, below the configured one. Raises SettingsError."""
    return load_settings().data_dir.absolute() / "demo"


def demo_year() -> int:
    """Find the last full calendar year."""
    return datetime.now(UTC).year - 1


def year_before(day: date) -> date:
    """Go back to the first of the same month of the year before, so that periods have one to compare with."""
    return date(day.year - 1, day.month, 1)


def write_site_files(data_dir: Path, fleet: Fleet, year: int) -> None:
    """Write the roof file and tariff file of that fleet, unless they say the same already. Raises OSError."""
    for name, content in ((ROOF_FILE, roof_of(fleet, NAMES)), (TARIFF_FILE, tariffs_of(year))):
        path = data_dir / name
        text = (
            _MADE + yaml.dump(content, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)
        ).encode()
        if not path.is_file() or path.read_bytes() != text:
            with replace_file(path) as temporary:
                temporary.write_bytes(text)


def get_simulated_settings(simulator: Simulator, url: str, data_dir: Path, start: date) -> Settings:
    """Load settings for a simulator that runs at `url`; nothing is taken from the environment.

    Roof file and tariff file are those that `describe_site` has written there. Raises SettingsError.
    """
    return load_settings(
        _env_file=None,
        app_id=simulator.app_id,
        app_secret=simulator.app_secret,
        base_url=url,
        api_prefix=simulator.prefix,
        signature_method="HmacSHA256",
        system_ids=simulator.fleet.system_ids,
        fleet_file=None,
        data_dir=data_dir,
        ledger_url=f"sqlite:///{data_dir}/ledger.sqlite",
        lake_url=str(data_dir / "lake"),
        start_date=start,
        monthly_calls=NO_LIMIT,
        reserved_calls=0,
        max_in_flight=8,
        calls_per_second=1000,
        revision_days=5,
        quota_zone="Asia/Shanghai",
        profile="standard",
        roof_file=roof if (roof := data_dir / ROOF_FILE).is_file() else None,
        tariff_file=tariffs if (tariffs := data_dir / TARIFF_FILE).is_file() else None,
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """Convert settings to environment variables for another process."""
    return {f"APS_{name.upper()}": _as_text(getattr(settings, name)) for name in type(settings).model_fields}


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
