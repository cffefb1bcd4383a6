"""A fleet file: which accounts it gives, what it may leave out, and what a wrong one says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aps_pipeline.accounts import AccountSettings
from aps_pipeline.config import SettingsError, load_settings

HOUSE = '[[accounts]]\nname = "house"\napp_id = "h1"\napp_secret = "hush-hush"\nsystem_ids = ["A1", "A2"]\n'
BARN = '[[accounts]]\nname = "barn"\napp_id = "b1"\napp_secret_env = "BARN_SECRET"\nsystem_ids = "B1"\n'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APS_FLEET_FILE", "fleet.toml")


def write(text: str) -> None:
    Path("fleet.toml").write_text(text)


def wrong(text: str) -> str:
    """What is said of a file that cannot be used."""
    write(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    said = str(caught.value)
    assert said.startswith("APS_FLEET_FILE: fleet.toml") and "\n" not in said and "hush-hush" not in said
    return said


def test_each_entry_is_an_account_with_its_systems() -> None:
    write(HOUSE + BARN + 'api_prefix = "installer/api/v2"\nmonthly_calls = 100000\nquota_zone = "UTC"\n')
    settings = load_settings()
    house, barn = settings.accounts
    assert (house.name, house.app_id, house.system_ids) == ("house", "h1", ("A1", "A2"))
    assert house.app_secret and house.app_secret.get_secret_value() == "hush-hush"
    assert (barn.api_prefix, barn.monthly_calls, barn.quota_zone) == ("/installer/api/v2", 100_000, "UTC")
    assert settings.system_ids == ("A1", "A2", "B1")


def test_what_an_entry_leaves_out_is_taken_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APS_MONTHLY_CALLS", "500")
    monkeypatch.setenv("APS_BASE_URL", "http://127.0.0.1:8080/")
    write(HOUSE + "monthly_calls = 7\n" + BARN)
    house, barn = load_settings().accounts
    assert (house.monthly_calls, barn.monthly_calls, barn.reserved_calls) == (7, 500, 100)
    assert house.base_url == barn.base_url == "http://127.0.0.1:8080"


def test_without_a_fleet_file_there_is_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APS_FLEET_FILE")
    (account,) = load_settings(app_id="a", app_secret="hush", system_ids="S1,S2", reserved_calls=3).accounts
    assert (account.name, account.app_id, account.system_ids) == ("", "a", ("S1", "S2"))
    assert account.reserved_calls == 3
    (account,) = load_settings().accounts
    assert account.app_id is account.app_secret is None, "needed only when a call is made"


def test_a_secret_may_stand_in_the_environment_or_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    write(HOUSE + BARN)
    assert load_settings().accounts[1].app_secret is None, "needed only when a call is made"
    Path(".env").write_text("BARN_SECRET=of the file\n")
    assert load_settings().secrets == ("of the file", "hush-hush")
    monkeypatch.setenv("BARN_SECRET", "of the environment")
    assert load_settings().secrets == ("of the environment", "hush-hush")


def test_some_systems_may_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    write(HOUSE + BARN)
    monkeypatch.setenv("APS_SYSTEM_IDS", "B1,A2")
    settings = load_settings()
    assert settings.system_ids == ("A2", "B1")
    assert [account.system_ids for account in settings.accounts] == [("A2",), ("B1",)]
    monkeypatch.setenv("APS_SYSTEM_IDS", "A2,X9")
    with pytest.raises(
        SettingsError, match=r"^APS_SYSTEM_IDS: no account of the fleet file has entry 2 of it$"
    ):
        load_settings()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("app_id", 'app_id = ""'), "account 1 (house): app_id: "),
        (("app_id", "app_id = 12"), "account 1 (house): app_id: "),
        (("app_id", "#"), "account 1 (house): app_id: Field required"),
        (("app_secret", "#"), "account 1 (house): give either app_secret or app_secret_env"),
        (("app_secret", 'app_secret = ""'), "account 1 (house): app_secret: "),
        (("app_secret", 'app_secret_env = "hush-hush"'), "account 1 (house): app_secret_env: "),
        (("system_ids", "#"), "account 1 (house): system_ids: Field required"),
        (("system_ids", "system_ids = []"), "account 1 (house): system_ids: "),
        (("system_ids", "system_ids = 7"), "account 1 (house): system_ids: is not a list"),
        (("system_ids", 'system_ids = ["A1", 7]'), "account 1 (house): system_ids: not an APsystems id"),
        (("system_ids", 'system_ids = ["../x"]'), "account 1 (house): system_ids: not an APsystems id"),
        (("name", 'name = "[red]"'), "account 1: name: "),
        (("name", "#"), "account 1: name: Field required"),
    ],
)
def test_a_wrong_entry_is_named(changed: tuple[str, str], said: str) -> None:
    key, line = changed
    lines = [line if each.startswith(f"{key} =") else each for each in HOUSE.splitlines()]
    assert said in wrong("\n".join(lines))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('base_url = "http://api.apsystemsema.com"', "base_url: is refused: use https"),
        ('base_url = "https://user:hush-hush@host"', "base_url: is not a plain base URL"),
        ('api_prefix = "/../x"', "api_prefix: is not a path"),
        ('signature_method = "md5"', "signature_method: is none of"),
        ("monthly_calls = -1", "monthly_calls: Input should be greater"),
        ('reserved_calls = "many"', "reserved_calls: Input should be a valid integer"),
        ('quota_zone = "Mars"', "quota_zone: unknown time zone"),
        ('app_secrets = "hush-hush"', "app_secrets: Extra inputs"),
        ('app_secret_env = "HOUSE"', "give either app_secret or app_secret_env"),
    ],
)
def test_an_entry_is_checked_as_the_settings_are(line: str, said: str) -> None:
    assert f"account 1 (house): {said}" in wrong(HOUSE + line)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("b1", "h1"), "have the same app_id"),
        (('"barn"', '"house"'), "have the same name"),
        (('"B1"', '"B1,A2"'), "accounts 1 (house) and 2 (barn) have the same system"),
    ],
)
def test_what_only_one_account_may_have(changed: tuple[str, str], said: str) -> None:
    assert said in wrong(HOUSE + BARN.replace(*changed))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is none"),
        ("accounts = []", "there is none"),
        ("accounts = [1]", "there is none"),
        ('[accounts]\nname = "hush-hush"', "there is none"),
        ("profile = 'lean'\n" + HOUSE, "profile: there is nothing but [[accounts]]"),
        (HOUSE + "app_secret2 = hush-hush", "not valid TOML at line 6"),
    ],
)
def test_a_file_of_something_else(text: str, said: str) -> None:
    assert said in wrong(text)


def test_every_wrong_entry_is_named_at_once() -> None:
    said = wrong(HOUSE + "monthly_calls = -1\n" + BARN + "quota_zone = 7\n")
    assert "account 1 (house): monthly_calls" in said and "; account 2 (barn): quota_zone" in said


def test_a_file_that_cannot_be_read_is_said() -> None:
    with pytest.raises(
        SettingsError, match=r"^APS_FLEET_FILE: no file that can be read is named: No such file"
    ):
        load_settings()
    Path("fleet.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"^APS_FLEET_FILE: fleet\.toml is not text in UTF-8$"):
        load_settings()


def test_no_secret_shows() -> None:
    write(HOUSE)
    settings = load_settings()
    for shown in (repr(settings), str(settings.model_dump()), repr(settings.accounts)):
        assert "hush-hush" not in shown


def test_the_example_is_a_fleet_file_with_every_line_in_use() -> None:
    example = (Path(__file__).parent.parent / "aps_pipeline/examples/fleet.toml").read_text("utf-8")
    for text in (example, re.sub(r"^#(?=\w+ =)", "", example, flags=re.MULTILINE)):
        write(text)
        assert [account.name for account in load_settings().accounts] == ["house", "installer"]
    assert {name for name in AccountSettings.model_fields if f"{name} =" in text} == set(
        AccountSettings.model_fields
    )
