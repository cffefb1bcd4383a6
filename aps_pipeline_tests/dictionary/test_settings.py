"""Every setting is explained once, where it is declared, and what people read is made from that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aps_pipeline.accounts import LEFT_OUT, AccountSettings
from aps_pipeline.config import Settings, load_settings
from aps_pipeline.dictionary.settings import env_example, readme_with_tables, write_settings
from aps_pipeline.site import Site

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("model", [Settings, AccountSettings], ids=lambda model: model.__name__)
def test_every_setting_says_what_it_means(model: type[Settings | AccountSettings]) -> None:
    for name, field in model.model_fields.items():
        assert field.description and field.description.endswith("."), name
        assert len(field.description) < 220 and "\n" not in field.description, name


def test_a_shared_setting_means_the_same_in_a_fleet_file() -> None:
    for name in LEFT_OUT:
        assert Settings.model_fields[name].description == AccountSettings.model_fields[name].description


def test_the_example_and_the_readme_are_up_to_date() -> None:
    assert env_example() == EXAMPLE, "run `make docs`"
    assert readme_with_tables(README) == README, "run `make docs`"


def test_a_table_that_has_no_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the table of accounts"):
        readme_with_tables(README.replace("<!-- end of accounts -->", ""))


def test_writing_them_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README, "utf-8")
    write_settings(tmp_path)
    assert (tmp_path / ".env.example").read_text("utf-8") == EXAMPLE
    assert (tmp_path / "README.md").read_text("utf-8") == README


def test_the_example_can_be_copied_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    defaults = load_settings()
    (tmp_path / ".env").write_text(EXAMPLE, "utf-8")
    assert load_settings() == defaults
    assert defaults.site == Site()


def test_the_defaults_that_it_shows_are_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    defaults = load_settings()
    for name, field in Settings.model_fields.items():
        if field.default in (None, ()):
            continue
        line = re.search(rf"^#(APS_{name.upper()}=.+)$", EXAMPLE, re.MULTILINE)
        assert line, f"{name} is commented out and shows its default"
        (tmp_path / ".env").write_text(line[1], "utf-8")
        assert load_settings() == defaults


def test_the_example_has_nothing_of_anybody() -> None:
    filled = re.findall(r"^(APS_[A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    assert filled == [("APS_APP_ID", ""), ("APS_APP_SECRET", ""), ("APS_SYSTEM_IDS", "")]


def test_the_example_of_a_fleet_file_names_every_key() -> None:
    text = (ROOT / "aps_pipeline/examples/fleet.toml").read_text("utf-8")
    assert set(re.findall(r"^#?([a-z_]+) = ", text, re.MULTILINE)) == set(AccountSettings.model_fields)
