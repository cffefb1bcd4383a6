"""`aps init`: ask for the keys, prove them, look at the roof, and write the settings that fit."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import typer

from aps_pipeline.atomic import replace_file
from aps_pipeline.cli.backfill import problem_lines
from aps_pipeline.cli.console import cell, new_grid, reset_text, show
from aps_pipeline.cli.doctor import prove_keys
from aps_pipeline.cli.plan import RefreshCost, refresh_cost
from aps_pipeline.config import Settings, load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import NotConfiguredError, Pipeline
from aps_pipeline.lake import StorageError
from aps_pipeline.tables import PROFILES, TABLES
from aps_pipeline.wiring import open_pipeline
from aps_pipeline.wording import count_of

_ENV, _ROOF, _TARIFFS = Path(".env"), Path("roof.yaml"), Path("tariffs.yaml")

_KEYS = {
    "app_id": "App Id, from the e-mail that approved your OpenAPI account",
    "app_secret": "App Secret, from the same e-mail (not shown while you type)",
    "system_ids": "Systems (sid, as EMA shows them; several with commas)",
}

_MOST_CALLS = 3

_TYPES = {1: "PV", 2: "storage", 3: "PV and storage"}


def init(force: bool, as_json: bool) -> int:
    """Set up one account in this folder. Raises NotConfiguredError, SettingsError, StorageError, LedgerError.

    Nothing is written but what the calls answered until they have proved the keys.
    """
    if _ENV.exists() and not force:
        advice = "`aps doctor --call` proves what it says, --force replaces it"
        raise NotConfiguredError(f"there is a {_ENV} in this folder already: {advice}")
    keys = _ask_for_keys(load_settings())
    settings = load_settings(**keys)
    pipeline = open_pipeline(settings)
    first = settings.system_ids[:1]
    summary = prove_keys(pipeline, first, 1)
    if summary.exit_code is Exit.COMPLETE:
        summary = prove_keys(pipeline, first, _MOST_CALLS - 1, ("inverters", "meters"), again=False)
    if summary.exit_code is not Exit.COMPLETE:
        for line in problem_lines(summary):
            print(line, file=sys.stderr)
        print("nothing was written: run `aps init` again once that is mended", file=sys.stderr)
        if as_json:
            print(json.dumps({"exit_code": int(summary.exit_code), "written": []}))
        return summary.exit_code
    roof = _read_roof(pipeline, first[0])
    cost = refresh_cost(pipeline.accounts[0], pipeline, settings.profile)
    fitting = [name for name, calls in cost.calls_a_month.items() if calls <= cost.monthly_quota]
    profile = fitting[-1] if fitting else next(iter(PROFILES))  # the richest that fits, or the leanest
    written = _write_files(settings, keys, profile, roof)
    if as_json:
        found = {"exit_code": 0, "system_ids": settings.system_ids, "devices": roof.as_json}
        found |= {"profile": profile, "calls_a_month": cost.calls_a_month, "written": written}
        print(json.dumps(found))
        return Exit.COMPLETE
    _show_roof(roof)
    _show_profiles(cost, profile, len(settings.system_ids))
    quota = next(iter(pipeline.quotas().values()))
    print(f"the keys are right; {count_of(quota.left, 'call')} left {reset_text(quota)}")
    print(f"written: {', '.join(written)}\n\nNext:")
    start = max(settings.start_date, roof.system["create_date"] or settings.start_date)
    yesterday = (pipeline.ledger.now() - timedelta(days=1)).date()
    for command, what in (
        (f"aps backfill --from {start} --to {yesterday}", "your history, as far as the quota goes"),
        ("aps refresh", "once a day: yesterday, and what has changed"),
        ("aps report", "a page on the newest month"),
    ):
        print(f"  {command:<48} {what}")
    return Exit.COMPLETE


def _ask_for_keys(settings: Settings) -> dict[str, Any]:
    """Take the keys from the settings, and ask a person for the others. Raises NotConfiguredError."""
    if settings.fleet_file:
        raise NotConfiguredError("APS_FLEET_FILE names several accounts; `aps init` sets up one")
    missing = [name for name in _KEYS if not getattr(settings, name)]
    if missing and not sys.stdin.isatty():
        names = ", ".join(f"APS_{name.upper()}" for name in missing)
        raise NotConfiguredError(f"nobody is there to be asked: put {names} into the environment")
    typed = {name: typer.prompt(_KEYS[name], hide_input=name == "app_secret").strip() for name in missing}
    held = {name: getattr(settings, name) for name in _KEYS if name not in missing}
    return held | typed


@dataclass(frozen=True, slots=True)
class SystemDevices:
    """What stands on the roof of a system, as its inventory answers say."""

    system: Mapping[str, Any]
    ecus: Sequence[Mapping[str, Any]]
    inverters: Sequence[Mapping[str, Any]]
    meters: Sequence[Mapping[str, Any]]

    @property
    def as_json(self) -> dict[str, Any]:
        """The ids, and the models of the inverters."""
        return {
            "system_id": self.system["system_id"],
            "ecu_ids": [each["ecu_id"] for each in self.ecus],
            "storage_ecu_ids": [each["ecu_id"] for each in self.ecus if each["type"] == 2],
            "inverters": {each["inverter_id"]: each["type"] for each in self.inverters},
            "meter_ids": [each["meter_id"] for each in self.meters],
        }


def _read_roof(pipeline: Pipeline, system_id: str) -> SystemDevices:
    def rows(name: str) -> list[dict[str, Any]]:
        found = pipeline.lake.read(TABLES[name]).to_pylist()
        return [each for each in found if each["system_id"] == system_id and not each.get("gone_utc")]

    return SystemDevices(rows("systems")[0], rows("ecus"), rows("inverters"), rows("meters"))


def _show_roof(roof: SystemDevices) -> None:
    system, models = roof.system, Counter(each["type"] or "unnamed" for each in roof.inverters)
    storage = [each for each in roof.ecus if each["type"] == 2]
    grid = new_grid(f"System {system['system_id']}", "", "")
    facts = {
        "kind": _TYPES.get(system["type"], ""),
        "installed": f"{system['capacity_kw']:g} kW" if system["capacity_kw"] is not None else "",
        "registered": system["create_date"],
        "time zone": system["timezone"],
        "inverters": ", ".join(f"{count} {model}" for model, count in sorted(models.items())),
        "ECUs": ", ".join(each["ecu_id"] for each in roof.ecus),
        "meters": ", ".join(each["meter_id"] for each in roof.meters) or "none: use and grid are not known",
        "storage": ", ".join(each["model"] or each["ecu_id"] for each in storage) or "none",
    }
    for name, value in facts.items():
        grid.add_row(name, cell(value))
    show(grid)
    show("Inputs that never gave anything are known after the first backfill: `aps report` names them.\n")


def _show_profiles(cost: RefreshCost, profile: str, systems: int) -> None:
    grid = new_grid("What a daily refresh collects", "profile", "tables>", "calls a month>", "")
    for name, calls in cost.calls_a_month.items():
        fits = "chosen" if name == profile else "" if calls <= cost.monthly_quota else "too many"
        grid.add_row(name, str(len(PROFILES[name])), f"{calls:,}", fits)
    show(grid)
    if systems > 1:
        show(f"for the first of {systems} systems; `aps plan` counts the others once they have been asked")


def _write_files(settings: Settings, keys: Mapping[str, Any], profile: str, roof: SystemDevices) -> list[str]:
    """Write `.env`, and files to fill in where there are none; return their names. Raises StorageError."""
    own = {name: getattr(settings, name) for name in sorted(settings.model_fields_set - keys.keys())}
    values = {**keys, **own, "profile": profile, "roof_file": _ROOF, "tariff_file": _TARIFFS}
    tariffs = resources.files("aps_pipeline").joinpath("examples/tariffs.yaml").read_text("utf-8")
    tariffs = "".join(f"{'' if line.startswith('#') else '#'}{line}\n" for line in tariffs.splitlines())
    texts = {_ROOF: _roof_text(settings.system_ids, roof), _TARIFFS: tariffs}
    texts = {path: text for path, text in texts.items() if not path.exists()}
    texts[_ENV] = "".join(f"APS_{name.upper()}={_plain(value)}\n" for name, value in values.items())
    os.umask(mask := os.umask(0o077))
    try:
        for path, text in texts.items():
            with replace_file(path.absolute()) as temporary:
                temporary.touch(mode=0o600)
                temporary.write_text(text, "utf-8")
                temporary.chmod(0o600 if path == _ENV else 0o666 & ~mask)
    except OSError as error:
        raise StorageError(f"{error.filename or path}: {error.strerror or error}") from None
    return list(map(str, texts))


def _plain(value: Any) -> str:
    """Write a value as `.env` takes it. Raises NotConfiguredError for text that would be two lines."""
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    text = ",".join(text) if isinstance(text, tuple) else str(text)
    if not text.isprintable() or "'" in text:
        raise NotConfiguredError("a value holds a quote or a control character: type it again without")
    return text if text.isascii() and not set(text) & set('"#$ \\') else f"'{text}'"


def _roof_text(system_ids: Sequence[str], roof: SystemDevices) -> str:
    """Write a roof file that says the names only; what stands there is listed, to be filled in."""
    lines = [
        "# What you know of your roofs; all of it is optional. Take away the `#` of a line that you fill in.",
        "# With a position, reports say what a day without clouds would give. With tilt and azimuth, panels",
        "# are compared with those that face the same way; without, with all others of their system.",
        "systems:",
    ]
    for system_id in system_ids:
        lines += [
            f"  {json.dumps(system_id)}:",
            f"    name: {json.dumps(system_id)}        # what people call it",
            "    #latitude: 48.86          # degrees north",
            "    #longitude: 2.35          # degrees east",
            "    #tilt: 35                 # of panels that say nothing else: degrees from flat",
            "    #azimuth: 180             # degrees clockwise from north: 90 is east, 180 south",
        ]
        if system_id != roof.system["system_id"]:
            continue
        lines += ["    #inverters:"] if roof.inverters else []
        for inverter in roof.inverters:
            lines += [
                f"    #  {json.dumps(inverter['inverter_id'])}:        # {cell(inverter['type'])}",
                "    #    panels:",
                "    #      1: {label: E1, row: 1, column: 1}",
            ]
    return "\n".join(lines) + "\n"
