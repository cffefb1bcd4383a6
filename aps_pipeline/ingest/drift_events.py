"""Schema drift: what answers name and nobody here knows. It is kept and reported once, and stops no row."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from aps_pipeline.ledger import DriftEvent, DriftKind, Ledger
from aps_pipeline.parse import find_repeated_ids, find_unknown_fields
from aps_pipeline.planning import System
from aps_pipeline.request import Request
from aps_pipeline.tables import Source

_MOST = 200
"""Names kept of one subject: a server that invents names without end is not heard further."""


class DriftLog:
    """Collects what is new in the answers of a run; `fresh` is what nobody had met before."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        known = ledger.list_drift_events()
        self._known = {(each.kind, each.subject, each.name) for each in known}
        self.inverters_named_by = {n.subject: n.call_id for n in known if n.kind is DriftKind.INVERTER}
        """For each system the last call that first named an inverter unknown to the inventory."""
        self._counts = Counter((kind, subject) for kind, subject, _ in self._known)
        self.new_events: list[DriftEvent] = []

    def find_unknown_fields(self, request: Request, call_id: int, data: Any) -> None:
        """Look for fields and values that no parser understands, and for devices that are named twice."""
        source = Source(request.endpoint, request.level, "")
        names, where = find_unknown_fields(source, data), f"{request.endpoint} {request.system_id}"
        self._note(DriftKind.REPEATED, where, find_repeated_ids(source, data), call_id)
        self._note(DriftKind.FIELD, f"{request.endpoint} {request.level}".strip(), sorted(names), call_id)

    def find_unknown_inverters(self, system: System, call_id: int, rows: pa.Table) -> None:
        """Look for inverters that the inventory has not named."""
        if "inverter_id" in rows.column_names:
            named = set(rows["inverter_id"].unique().to_pylist())
            unknown = named - {device.device_id for device in system.inverters}
            self._note(DriftKind.INVERTER, system.system_id, sorted(unknown), call_id)

    def _note(self, kind: DriftKind, subject: str, names: Iterable[str], call_id: int) -> None:
        with self._lock:
            unheard = [name for name in names if (kind, subject, name) not in self._known]
            unheard = unheard[: _MOST - self._counts[kind, subject]]
            if not unheard:
                return
            self.new_events += self._ledger.keep_drift_events(
                [DriftEvent(kind, subject, name, call_id) for name in unheard]
            )
            self._known |= {(kind, subject, name) for name in unheard}
            self._counts[kind, subject] += len(unheard)
