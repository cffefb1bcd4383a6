"""Settings: the only reader of the environment and of `.env`. The packages below take plain arguments."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from aps_pipeline.api import checked_base_url
from aps_pipeline.api.auth import METHODS
from aps_pipeline.periods import zone
from aps_pipeline.question import checked_id
from aps_pipeline.tables import PROFILES

DEFAULT_DATA_DIR = Path("data")


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and never shows a value that may be secret."""


class Settings(BaseSettings):
    """Everything that can be set, each as `APS_<NAME>`; see `.env.example` for what they mean."""

    model_config = SettingsConfigDict(
        env_prefix="APS_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    app_id: str | None = None
    app_secret: SecretStr | None = None
    base_url: str = "https://api.apsystemsema.com:9282"
    api_prefix: str = "/user/api/v2"
    signature_method: str = "HmacSHA256"
    system_ids: Annotated[tuple[str, ...], NoDecode] = ()
    data_dir: Path = DEFAULT_DATA_DIR
    ledger_url: str | None = None
    lake_url: str | None = None
    start_date: date = date(2020, 1, 1)
    monthly_calls: int = Field(default=1000, ge=0)
    reserved_calls: int = Field(default=100, ge=0)
    max_in_flight: int = Field(default=4, ge=1, le=64)
    calls_per_second: float = Field(default=5, gt=0, le=10_000)
    revision_days: int = Field(default=5, ge=0, le=60)
    quota_zone: str = "Asia/Shanghai"
    profile: str = "standard"

    @field_validator("system_ids", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        return tuple(dict.fromkeys(checked_id(each) for each in value))

    @field_validator("base_url")
    @classmethod
    def _only_safe(cls, value: str) -> str:
        return checked_base_url(value)

    @field_validator("api_prefix")
    @classmethod
    def _only_a_path(cls, value: str) -> str:
        if not value.replace("/", "").isalnum() or not value.isascii():
            raise ValueError("is not a path such as /user/api/v2")
        return "/" + value.strip("/")

    @field_validator("signature_method")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in METHODS:
            raise ValueError(f"is none of {', '.join(METHODS)}")
        return value

    @field_validator("profile")
    @classmethod
    def _a_profile(cls, value: str) -> str:
        if value not in PROFILES:
            raise ValueError(f"is none of {', '.join(PROFILES)}")
        return value

    @field_validator("quota_zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        zone(value)
        return value

    @property
    def ledger_address(self) -> str:
        """The SQLAlchemy URL of the ledger."""
        return self.ledger_url or f"sqlite:///{self.data_dir.absolute()}/ledger.sqlite"

    @property
    def lake_address(self) -> str:
        """The path or `s3://` address of the lake."""
        return self.lake_url or str(self.data_dir.absolute() / "lake")

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file."""
        return self.data_dir.absolute() / "warehouse.duckdb"


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError, which names each wrong one."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        wrong = [
            f"APS_{'_'.join(str(part) for part in problem['loc']).upper()}: {_said(problem)}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsError("; ".join(wrong)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read: {error.__class__.__name__}") from None


def _said(problem: Any) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")
