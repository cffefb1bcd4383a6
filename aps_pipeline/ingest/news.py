"""What answers name and nobody here knows: kept in the body, said once, and never in the way of the rows."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from aps_pipeline.ledger import Ledger, News, NewsKind
from aps_pipeline.parse import repeated_ids, unknown_fields
from aps_pipeline.planning import System
from aps_pipeline.question import Question
from aps_pipeline.tables import Source

_MOST = 200
"""Names kept of one subject: a server that invents names without end is not heard further."""


class Newsroom:
    """Collects what is new in the answers of a run; `fresh` is what nobody had met before."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        known = ledger.news()
        self._known = {(each.kind, each.subject, each.name) for each in known}
        self.inverters_named_by = {n.subject: n.call_id for n in known if n.kind is NewsKind.INVERTER}
        """For each system the last call that first named an inverter unknown to the inventory."""
        self._counts = Counter((kind, subject) for kind, subject, _ in self._known)
        self.fresh: list[News] = []

    def read(self, question: Question, call_id: int, data: Any) -> None:
        """Look for fields and values that no parser understands, and for devices that are named twice."""
        source = Source(question.endpoint, question.level, "")
        names, where = unknown_fields(source, data), f"{question.endpoint} {question.system_id}"
        self._note(NewsKind.REPEATED, where, repeated_ids(source, data), call_id)
        self._note(NewsKind.FIELD, f"{question.endpoint} {question.level}".strip(), sorted(names), call_id)

    def listen(self, system: System, call_id: int, rows: pa.Table) -> None:
        """Look for inverters that the inventory has not named."""
        if "inverter_id" in rows.column_names:
            named = set(rows["inverter_id"].unique().to_pylist())
            unknown = named - {device.device_id for device in system.inverters}
            self._note(NewsKind.INVERTER, system.system_id, sorted(unknown), call_id)

    def _note(self, kind: NewsKind, subject: str, names: Iterable[str], call_id: int) -> None:
        with self._lock:
            unheard = [name for name in names if (kind, subject, name) not in self._known]
            unheard = unheard[: _MOST - self._counts[kind, subject]]
            if not unheard:
                return
            self.fresh += self._ledger.note([News(kind, subject, name, call_id) for name in unheard])
            self._known |= {(kind, subject, name) for name in unheard}
            self._counts[kind, subject] += len(unheard)
