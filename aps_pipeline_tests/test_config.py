"""Settings: the contract's names and defaults, and what a wrong one says."""

from __future__ import annotations

import json
import os
import traceback
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.accounts import AccountSettings
from aps_pipeline.config import Settings, SettingsError, load_settings, readable_by_others

DEFAULTS: dict[str, Any] = {
    "app_id": None,
    "app_secret": None,
    "base_url": "https://api.apsystemsema.com:9282",
    "api_prefix": "/user/api/v2",
    "signature_method": "HmacSHA256",
    "system_ids": (),
    "data_dir": Path("data"),
    "ledger_url": None,
    "lake_url": None,
    "start_date": date(2020, 1, 1),
    "monthly_calls": 1000,
    "reserved_calls": 100,
    "max_in_flight": 4,
    "calls_per_second": 5,
    "revision_days": 5,
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS


def test_addresses_lie_under_the_data_directory(tmp_path: Path) -> None:
    settings = load_settings(data_dir=Path("here"))
    assert settings.ledger_address == f"sqlite:///{tmp_path}/here/ledger.sqlite"
    assert settings.lake_address == f"{tmp_path}/here/lake"
    assert settings.warehouse_path == tmp_path / "here/warehouse.duckdb"
    settings = load_settings(ledger_url="postgresql://h/d", lake_url="s3://bucket/prefix")
    assert (settings.ledger_address, settings.lake_address) == ("postgresql://h/d", "s3://bucket/prefix")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SYSTEM_IDS", " A1, B-2 ,,A1", ("A1", "B-2")),
        ("SYSTEM_IDS", "A1", ("A1",)),
        ("SYSTEM_IDS", "", ()),
        ("SYSTEM_IDS", "000123", ("000123",)),
        ("API_PREFIX", "installer/api/v2/", "/installer/api/v2"),
        ("BASE_URL", "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("SIGNATURE_METHOD", "HmacSHA1", "HmacSHA1"),
        ("START_DATE", "2023-05-01", date(2023, 5, 1)),
        ("MONTHLY_CALLS", "100000", 100_000),
        ("CALLS_PER_SECOND", "0.5", 0.5),
        ("APP_ID", "", None),
        ("DATA_DIR", "", Path("data")),
    ],
)
def test_the_environment_sets(monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: Any) -> None:
    monkeypatch.setenv(f"APS_{name}", text)
    assert getattr(load_settings(), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("BASE_URL", "http://api.apsystemsema.com", "use https"),
        ("BASE_URL", "https://user:hush-hush@host", "base URL"),
        ("BASE_URL", "https://user:hush-hush@", "base URL"),
        ("BASE_URL", "https://host:x", "[Pp]ort"),
        ("API_PREFIX", "/user/api/v2?x=1", "is not a path"),
        ("API_PREFIX", "/../x", "is not a path"),
        ("API_PREFIX", "/", "is not a path"),
        ("SIGNATURE_METHOD", "md5", "HmacSHA256, HmacSHA1"),
        ("SYSTEM_IDS", "A1,../x", "not an APsystems id"),
        ("START_DATE", "yesterday", "date"),
        ("MONTHLY_CALLS", "-1", "greater than or equal to 0"),
        ("MONTHLY_CALLS", "many", "integer"),
        ("CALLS_PER_SECOND", "0", "greater than 0"),
        ("CALLS_PER_SECOND", "nan", "."),
        ("MAX_IN_FLIGHT", "0", "greater than or equal to 1"),
        ("REVISION_DAYS", "-5", "greater than or equal to 0"),
        ("QUOTA_ZONE", "Mars", "unknown time zone"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str) -> None:
    monkeypatch.setenv(f"APS_{name}", text)
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings()
    assert str(caught.value).startswith(f"APS_{name}: ") and "\n" not in str(caught.value)
    assert "hush-hush" not in str(caught.value)


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APS_MONTHLY_CALLS", "x")
    monkeypatch.setenv("APS_START_DATE", "y")
    with pytest.raises(SettingsError, match=r"APS_MONTHLY_CALLS.*; APS_START_DATE"):
        load_settings()


def test_a_file_of_settings_and_the_environment_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("APS_APP_ID=file\nAPS_APP_SECRET=hush\nSOMETHING_ELSE=1\nAPS_UNKNOWN=2\n")
    settings = load_settings()
    assert settings.app_id == "file" and settings.app_secret
    assert settings.app_secret.get_secret_value() == "hush"
    monkeypatch.setenv("APS_APP_ID", "environment")
    assert load_settings().app_id == "environment"
    assert load_settings(app_id="argument").app_id == "argument"


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"APS_APP_ID=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        load_settings()


def test_the_secret_does_not_show() -> None:
    settings = load_settings(app_secret="hush-hush")
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hush-hush" not in shown


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().app_id = "x"


def test_every_setting_has_the_prefix() -> None:
    assert Settings.model_config["env_prefix"] == "APS_"
    assert not [name for name in os.environ if name.startswith("APS_")], "tests see none of this machine's"


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("", ()),
        ("json://a", ("json://a",)),
        (
            "json://a, jsons://b,mailto://c?to=d@e,f@g json://h,",
            ("json://a", "jsons://b", "mailto://c?to=d@e,f@g", "json://h"),
        ),
    ],
)
def test_alert_addresses_are_separated_by_commas_or_spaces(value: str, addresses: tuple[str, ...]) -> None:
    assert Settings(_env_file=None, alert_urls=value).alert_addresses == addresses  # type: ignore[call-arg, arg-type]


def test_an_alert_address_and_its_password_are_secrets() -> None:
    settings = Settings(_env_file=None, alert_urls="json://me:p%40ss@host")  # type: ignore[call-arg, arg-type]
    assert settings.secrets == ("json://me:p%40ss@host", "p%40ss", "p@ss")
    assert "ss@host" not in repr(settings)


SECRETS = ("Zk9qR7hush12", "Zk9-qR7.hush==", "https://Zk9qR7hush12:9282x", "[Zk9qR7hush12", "Zk9//qR7?hush")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_secret_put_into_another_setting_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, secret: str
) -> None:
    """D6, and each of its siblings: no error says a value, in its message or in its traceback."""
    monkeypatch.setenv(f"APS_{name.upper()}", secret)
    try:
        settings = load_settings()
        told = " ".join(settings.site_problems)
    except SettingsError as error:
        told = "".join(traceback.format_exception(error))
        assert f"APS_{name.upper()}: " in told
    assert not any(part in told for part in (secret, "Zk9", "qR7", "hush"))


@pytest.mark.parametrize("field", [*AccountSettings.model_fields, "unknown"])
def test_a_secret_put_into_a_fleet_file_is_not_repeated(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setenv("APS_FLEET_FILE", "fleet.toml")
    good = {"name": "a", "app_id": "b", "app_secret_env": "C", "system_ids": "S1", "monthly_calls": -1}
    for secret in SECRETS:
        lines = [f"{key} = {json.dumps(value)}" for key, value in {**good, field: secret}.items()]
        key = f"\n{json.dumps(secret)} = 1"
        for text in ("[[accounts]]\n" + "\n".join(lines), "[[accounts]]" + key, key, f"x = {secret}"):
            Path("fleet.toml").write_text(text)
            with pytest.raises(SettingsError) as caught:
                load_settings()
            told = "".join(traceback.format_exception(caught.value))
            assert field == "name" or not any(part in told for part in (secret, "Zk9", "qR7", "hush"))
            assert field != "name" or secret == SECRETS[0] or secret not in told, "a good name is no secret"


def test_no_system_is_older_than_the_first_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APS_START_DATE", "0001-01-01")
    assert load_settings().start_date == date(2009, 1, 1)


def test_a_bad_roof_file_is_named_where_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "roof.yaml").write_text("systems: [")
    (tmp_path / "tariffs.yaml").write_text("co2_kg_per_kwh: 0.4")
    settings = load_settings(roof_file="roof.yaml", tariff_file="tariffs.yaml")
    assert not settings.site.roof.systems and settings.site.tariffs.co2_kg_per_kwh == 0.4
    assert settings.site_problems == ("APS_ROOF_FILE: roof.yaml is not valid YAML at line 1",)


@pytest.mark.skipif(os.name != "posix", reason="a mode says nothing here")
def test_files_with_secrets_that_others_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env, fleet = Path(".env"), Path("fleet.toml")
    account = '[[accounts]]\nname = "a"\napp_id = "b"\nsystem_ids = ["S1"]\n'
    env.write_text("APS_FLEET_FILE=fleet.toml\n")
    for secret, modes, expected in (
        ('app_secret = "hush"', (0o600, 0o600), []),
        ('app_secret = "hush"', (0o640, 0o644), [env, fleet]),
        ('app_secret_env = "HUSH"', (0o604, 0o644), [env]),
    ):
        fleet.write_text(account + secret)
        for path, mode in zip((env, fleet), modes, strict=True):
            path.chmod(mode)
        assert readable_by_others(load_settings()) == expected
