"""Settings: the only reader of the environment and of `.env`. The packages below take plain arguments."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from aps_pipeline.accounts import (
    LEFT_OUT,
    AccountSettings,
    ApiPrefix,
    AppId,
    BaseUrl,
    MonthlyCalls,
    QuotaZone,
    ReservedCalls,
    SignatureMethod,
    SystemIds,
    problems_of,
    read_fleet_file,
    select_accounts,
)
from aps_pipeline.errors import PipelineError
from aps_pipeline.periods import FIRST_DAY
from aps_pipeline.site import Roof, Site, Tariffs, read_roof_file, read_tariff_file
from aps_pipeline.tables import PROFILES

DEFAULT_DATA_DIR = Path("data")

_BETWEEN_ADDRESSES = re.compile(r"\s+|,+\s*(?=[A-Za-z][A-Za-z0-9+.-]*://|$)|,+(?=\s)")


class SettingsError(PipelineError, ValueError):
    """A setting that cannot be used; the message names it and never shows a value that may be secret."""


class Settings(BaseSettings):
    """Everything that can be set, each as `APS_<NAME>`.

    `make docs` writes `.env.example` and the README's table from what is declared here.
    """

    model_config = SettingsConfigDict(
        env_prefix="APS_",
        env_file=".env",
        env_ignore_empty=True,
        env_parse_none_str="None",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    app_id: AppId | None = Field(
        default=None,
        description="App Id, from the e-mail that approved your OpenAPI account. Needed for calls only.",
    )
    app_secret: SecretStr | None = Field(
        default=None, description="App Secret, from the same e-mail. Needed for calls only."
    )
    system_ids: Annotated[SystemIds, NoDecode] = Field(
        default=(),
        description="Systems to collect (sid), separated by commas. A fleet file is narrowed to these.",
    )
    fleet_file: Path | None = Field(
        default=None,
        description="TOML file of accounts, instead of one App Id: see aps_pipeline/examples/fleet.toml.",
        examples=["fleet.toml"],
    )
    base_url: BaseUrl = "https://api.apsystemsema.com:9282"
    api_prefix: ApiPrefix = "/user/api/v2"
    signature_method: SignatureMethod = "HmacSHA256"
    monthly_calls: MonthlyCalls = 1000
    reserved_calls: ReservedCalls = 100
    quota_zone: QuotaZone = "Asia/Shanghai"
    max_in_flight: int = Field(
        default=4, ge=1, le=64, description="Calls that an account makes at the same time, at most."
    )
    calls_per_second: float = Field(
        default=5, gt=0, le=10_000, description="Calls a second that an account makes, at most."
    )
    data_dir: Path = Field(
        default=DEFAULT_DATA_DIR,
        description="Folder of ledger.sqlite, lake/, warehouse.duckdb and reports/.",
    )
    ledger_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the ledger, SQLite or PostgreSQL, if it is not in the data folder.",
        examples=["postgresql+psycopg2://host/database"],
    )
    lake_url: str | None = Field(
        default=None,
        description="Path or s3://bucket/prefix of the lake, if it is not in the data folder. "
        "S3 of others than Amazon also needs AWS_REQUEST_CHECKSUM_CALCULATION=when_required.",
        examples=["s3://bucket/prefix"],
    )
    start_date: date = Field(
        default=date(2020, 1, 1), description="First day of the history and of the Dagster partitions."
    )
    revision_days: int = Field(
        default=5,
        ge=0,
        le=60,
        description="Days after the end of a period before its answer counts as final.",
    )
    profile: str = Field(
        default="standard",
        description="What is collected: lean (energy by day, month and year, and of each panel), standard "
        "(adds hours and the power of panels) or full (every table). `aps tables` shows the calls of each.",
    )
    roof_file: Path | None = Field(
        default=None,
        description="YAML file of what you know of your roofs: see aps_pipeline/examples/roof.yaml.",
        examples=["roof.yaml"],
    )
    tariff_file: Path | None = Field(
        default=None,
        description="YAML file of what energy costs: see aps_pipeline/examples/tariffs.yaml.",
        examples=["tariffs.yaml"],
    )
    alert_urls: SecretStr | None = Field(
        default=None,
        description="Who is told when something goes wrong or recovers: addresses as apprise takes them, "
        "separated by commas or spaces.",
        examples=["mailtos://user:password@smtp.example.org?to=me@example.org"],
    )
    _fleet: tuple[AccountSettings, ...] = PrivateAttr(default=())
    _site: Site | None = PrivateAttr(default=None)
    _site_problems: tuple[str, ...] = PrivateAttr(default=())

    @field_validator("profile")
    @classmethod
    def _a_profile(cls, value: str) -> str:
        if value not in PROFILES:
            raise ValueError(f"is none of {', '.join(PROFILES)}")
        return value

    @field_validator("start_date")
    @classmethod
    def _not_before_any_system(cls, value: date) -> date:
        return max(value, FIRST_DAY)

    @model_validator(mode="after")
    def _with_its_fleet(self) -> Self:
        if self.fleet_file is None:
            return self
        # What the file may name: the environment, over `.env`.
        sources = (
            source(Settings, case_sensitive=True) for source in (DotEnvSettingsSource, EnvSettingsSource)
        )
        variables = {name: value for source in sources for name, value in source.env_vars.items()}
        try:
            fleet = read_fleet_file(self.fleet_file, self._values(LEFT_OUT), variables)
        except ValueError as error:
            raise ValueError(f"APS_FLEET_FILE: {error}") from None
        try:
            self._fleet = select_accounts(fleet, self.system_ids) if self.system_ids else fleet
        except ValueError as error:
            raise ValueError(f"APS_SYSTEM_IDS: {error}") from None
        every = tuple(system_id for account in self._fleet for system_id in account.system_ids)
        object.__setattr__(self, "system_ids", every)  # frozen for everybody else
        return self

    @property
    def site(self) -> Site:
        """What the roof file and the tariff file say; of a file that cannot be used, nothing.

        They are read where they are wanted: collecting needs neither.
        """
        if self._site is not None:
            return self._site
        roof, tariffs, problems = Roof(), Tariffs(), []
        try:
            roof = read_roof_file(self.roof_file) if self.roof_file else roof
        except ValueError as error:
            problems.append(f"APS_ROOF_FILE: {error}")
        try:
            tariffs = read_tariff_file(self.tariff_file) if self.tariff_file else tariffs
        except ValueError as error:
            problems.append(f"APS_TARIFF_FILE: {error}")
        self._site, self._site_problems = Site(roof, tariffs), tuple(problems)
        return self._site

    @property
    def site_problems(self) -> tuple[str, ...]:
        """What is wrong with the roof file and the tariff file, a sentence each."""
        _ = self.site
        return self._site_problems

    @property
    def accounts(self) -> tuple[AccountSettings, ...]:
        """The accounts of the fleet file; without one, that of APS_APP_ID, whose name is empty."""
        own = self._values(("app_id", "app_secret", "system_ids", *LEFT_OUT))
        return self._fleet or (AccountSettings.model_construct(name="", **own),)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every App Secret and alert address that is set, the longest first, to be taken out of messages."""
        held = (self.app_secret, *(account.app_secret for account in self.accounts))
        found = {secret.get_secret_value() for secret in held if secret} - {""}
        found |= {part for address in self.alert_addresses for part in (address, *_passwords(address))}
        return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))

    @property
    def alert_addresses(self) -> tuple[str, ...]:
        """The addresses of APS_ALERT_URLS, which may hold commas of their own; they are secret."""
        value = self.alert_urls.get_secret_value() if self.alert_urls else ""
        return tuple(address for address in _BETWEEN_ADDRESSES.split(value) if address)

    def _values(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}

    @property
    def ledger_address(self) -> str:
        """The SQLAlchemy URL of the ledger."""
        return self.ledger_url or f"sqlite:///{self.data_dir.absolute()}/ledger.sqlite"

    @property
    def lake_address(self) -> str:
        """The path or `s3://` address of the lake."""
        return self.lake_url or str(self.data_dir.absolute() / "lake")

    @property
    def alerts_path(self) -> Path:
        """The file that keeps what was told: see `alerts`."""
        return self.data_dir.absolute() / "alerts.json"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file."""
        return self.data_dir.absolute() / "warehouse.duckdb"

    @property
    def reports_path(self) -> Path:
        """The folder of the reports, one folder a month."""
        return self.data_dir.absolute() / "reports"


def readable_by_others(settings: Settings) -> list[Path]:
    """List the files with secrets of these settings that other users of this machine may read."""
    inline = any(account.app_secret and not account.app_secret_env for account in settings.accounts)
    found = [Path(str(Settings.model_config["env_file"]))]
    found += [settings.fleet_file] if settings.fleet_file and inline else []
    if os.name != "posix":  # elsewhere a mode says nothing of who may read
        return []
    return [path for path in found if path.is_file() and path.stat().st_mode & 0o044]


def load_settings(**overrides: Any) -> Settings:
    """Load the settings of this process. Raises SettingsError, which names each wrong one."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        wrong = [f"APS_{name.upper()}: {said}" if name else said for name, said in problems_of(error)]
        raise SettingsError("; ".join(wrong)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read: {error.__class__.__name__}") from None


def _passwords(address: str) -> set[str]:
    """List the password of an address as it stands there and as it is meant."""
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        return set()
    return {password, unquote(password)} - {""}
