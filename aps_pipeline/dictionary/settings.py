"""What the settings mean, for people: `.env.example` and tables of the README, made from the declarations.

`make docs` writes them; a test fails when one is stale.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from aps_pipeline.accounts import LEFT_OUT, AccountSettings
from aps_pipeline.config import Settings
from aps_pipeline.dictionary.markdown import table

_PREFIX = str(Settings.model_config["env_prefix"])
_WIDTH = 110


def env_example() -> str:
    """Write the text of `.env.example`: every setting with its meaning, and no value of anybody.

    A line without `#` is one to fill in. The others show the default, or an example where there is none.
    """
    head = "# Copy to .env and fill in. Every setting may also come from the environment, which goes first.\n"
    return "\n".join([head, *(_env_lines(name, field) for name, field in Settings.model_fields.items())])


def settings_table() -> str:
    """Write the settings as a table in Markdown."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = f"`{shown}`" if (shown := _default(field)) else ""
        rows.append((f"`{_PREFIX}{name.upper()}`", default, field.description or ""))
    return "\n".join(table(("setting", "default", ""), rows))


def fleet_table() -> str:
    """Write the keys of an account in a fleet file as a table in Markdown."""
    rows = []
    for name, field in AccountSettings.model_fields.items():
        otherwise = "must be given" if field.is_required() else ""
        if name in LEFT_OUT:
            otherwise = f"`{_PREFIX}{name.upper()}`"
        rows.append((f"`{name}`", otherwise, field.description or ""))
    return "\n".join(table(("key", "if left out", ""), rows))


def readme_with_tables(readme: str) -> str:
    """Write a README with the tables of now between its markers."""
    for name, text in (("settings", settings_table()), ("accounts", fleet_table())):
        begin, end = f"<!-- {name}: `make docs` writes this table -->\n", f"<!-- end of {name} -->\n"
        before, has_begin, rest = readme.partition(begin)
        _, has_end, after = rest.partition(end)
        if not has_begin or not has_end:
            raise ValueError(f"the README has no place for the table of {name}")
        readme = before + begin + text + end + after
    return readme


def write_settings(root: Path) -> None:
    """Write `.env.example`, and the tables of the README, in the folder of the project."""
    (root / ".env.example").write_text(env_example(), "utf-8")
    readme = root / "README.md"
    readme.write_text(readme_with_tables(readme.read_text("utf-8")), "utf-8")


def _env_lines(name: str, field: FieldInfo) -> str:
    comment = textwrap.fill(
        field.description or "",
        width=_WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    shown = _default(field) or next(iter(field.examples or ()), "")
    return f"{comment}\n{'#' if shown else ''}{_PREFIX}{name.upper()}={shown}\n"


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    return "" if value is None or value == () else str(value)


if __name__ == "__main__":
    write_settings(Path())
