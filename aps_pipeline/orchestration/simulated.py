"""Where simulated data lives, apart from real data, and the settings that lead there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from aps_pipeline.config import Settings, load_settings
from aps_pipeline.simulator import Simulator

NO_LIMIT = 1_000_000


def demo_dir() -> Path:
    """The data directory of the demo, below the configured one. Raises SettingsError."""
    return load_settings().data_dir.absolute() / "demo"


def demo_year() -> int:
    """The last full calendar year."""
    return datetime.now(UTC).year - 1


def simulated_settings(simulator: Simulator, url: str, data_dir: Path, start: date) -> Settings:
    """Settings for a simulator that runs at `url`; nothing is taken from the environment."""
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
        roof_file=None,
        tariff_file=None,
    )


def as_environment(settings: Settings) -> dict[str, str]:
    """The same settings for another process."""
    return {f"APS_{name.upper()}": _as_text(getattr(settings, name)) for name in type(settings).model_fields}


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
