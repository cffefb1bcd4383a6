"""What each address has been told: one small JSON file, replaced whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aps_pipeline.alerts.changes import Condition, Kind, Subject
from aps_pipeline.alerts.errors import UnreadableError
from aps_pipeline.atomic import replace_file


@dataclass(frozen=True, slots=True)
class SentState:
    """The warehouse that an address was last told about, by its digest, and what it was told."""

    inputs: str = ""
    conditions: Mapping[Subject, Condition] = field(default_factory=dict)


def read_sent_states(path: Path) -> dict[str, SentState]:
    """Read what was told, by the name of the address; nothing without a file. Raises UnreadableError."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        return {
            name: SentState(
                str(told["inputs"]),
                {
                    Subject(Kind(kind), str(system), str(ecu), str(inverter), int(channel)): Condition(
                        condition
                    )
                    for kind, system, ecu, inverter, channel, condition in told["conditions"]
                },
            )
            for name, told in kept.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise UnreadableError(
            f"{path} cannot be read; delete it, and all that is wrong is told once more"
        ) from None


def write_sent_states(path: Path, states: Mapping[str, SentState]) -> None:
    """Keep what was told. Raises UnreadableError."""
    kept = {
        name: {
            "inputs": each.inputs,
            "conditions": [
                [s.kind, s.system_id, s.ecu_id, s.inverter_id, s.channel, condition]
                for s, condition in sorted(each.conditions.items())
            ],
        }
        for name, each in sorted(states.items())
    }
    try:
        with replace_file(path) as temporary:
            temporary.write_text(json.dumps(kept, indent=1), "utf-8")
    except OSError as error:
        raise UnreadableError(f"cannot keep {path}: {error.strerror or type(error).__name__}") from None
