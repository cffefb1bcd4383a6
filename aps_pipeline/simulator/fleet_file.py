"""A fleet as a JSON file."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from aps_pipeline.simulator.fleet import Fleet, FleetError


def load_fleet(path: Path | str) -> Fleet:
    """The fleet of a JSON file: `{"systems": [{"sid": …, "ecus": [{"eid": …, "inverters": [{…}]}]}]}`.

    The fields are those of the classes here, dates as `yyyy-MM-dd`. Raises FleetError, and OSError.
    """
    try:
        raw = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise FleetError(f"{path}: {error}") from error
    fleet = _read(raw, Fleet, "fleet")
    assert isinstance(fleet, Fleet)  # noqa: S101 - for the type checker
    return fleet


def _read(raw: Any, kind: Any, where: str) -> object:
    """`raw` JSON as a value of that type; `where` names it in errors."""
    if get_origin(kind) is UnionType:
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
        return None if raw is None else _read(raw, kind, where)
    if get_origin(kind) is tuple and isinstance(raw, list):
        return tuple(_read(item, get_args(kind)[0], f"{where}[{n}]") for n, item in enumerate(raw))
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(raw, dict):
        return _read_record(raw, kind, where)
    if kind is date and isinstance(raw, str):
        try:
            return date.fromisoformat(raw)
        except ValueError as error:
            raise FleetError(f"{where}: {error}") from error
    if kind is float and type(raw) in (int, float):
        return float(raw)
    if type(raw) is kind:
        return raw
    raise FleetError(f"{where}: not a {getattr(kind, '__name__', 'list')}: {str(raw)[:60]!r}")


def _read_record(raw: dict[str, Any], kind: type, where: str) -> object:
    """A JSON object as one of the classes above; unknown and missing fields are errors."""
    known = {f.name: f for f in fields(kind) if f.init}
    needed = {n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if raw.keys() - known.keys() or needed - raw.keys():
        raise FleetError(
            f"{where}: unknown {sorted(raw.keys() - known)}, missing {sorted(needed - raw.keys())}"
        )
    hints = get_type_hints(kind)
    try:
        return kind(**{name: _read(value, hints[name], f"{where}.{name}") for name, value in raw.items()})
    except FleetError:
        raise
    except ValueError as error:
        raise FleetError(f"{where}: {error}") from error
