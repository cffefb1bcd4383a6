"""What is kept of inventory answers is what all of them together say."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aps_pipeline.ingest import KnownFleet, sightings
from aps_pipeline.ingest.inventory_tables import inventory_rows
from aps_pipeline.ingest.sightings import Sighting, Sightings
from aps_pipeline.ledger import CallEnd, CallState, Ledger, QuotaAccount
from aps_pipeline.parse import INVENTORY_PARSERS, RefusedError, open_body
from aps_pipeline.periods import zone
from aps_pipeline.planning import is_inventory
from aps_pipeline.request import Request
from aps_pipeline.tables import FETCHED
from aps_pipeline_tests.clocks import Clock
from aps_pipeline_tests.ledger.conftest import ledger_url, postgres  # noqa: F401 - fixtures

ACCOUNT = QuotaAccount("a" * 32, 1_000_000, 0, zone("UTC"))
SYSTEMS = ("EAST000000000001", "WEST000000000002")
ECUS, INVERTERS = ("203000000011", "203000000012"), ("702000000211", "702000000212")
TABLES = [table for table in FETCHED if is_inventory(table)]


def details(system_id: str, capacity: str, ecus: list[str]) -> Any:
    known = {"sid": system_id, "timezone": "Europe/Paris", "create_date": "2024-01-01", "type": 1, "light": 1}
    return {**known, "capacity": capacity, "ecu": ecus}


def an_ecu(ecu_id: str, inverters: list[str], model: str) -> Any:
    there = [{"uid": uid, "type": "QS1"} for uid in inverters]
    return {"eid": ecu_id, "type": 0, "timezone": "Europe/Paris", "model": model, "inverter": there}


def bodies(endpoint: str, system_id: str) -> st.SearchStrategy[str]:
    """Answers to an inventory request: few, so that equal ones follow one another, and some that are none."""
    some_ecus = st.lists(st.sampled_from(ECUS), unique=True)
    some_inverters = st.lists(st.sampled_from(INVERTERS), unique=True)
    said: st.SearchStrategy[Any] = {
        "system_details": st.builds(details, st.just(system_id), st.sampled_from(["8", "9"]), some_ecus),
        "system_inverters": st.lists(
            st.builds(an_ecu, st.sampled_from(ECUS), some_inverters, st.sampled_from(["M", ""])), max_size=2
        ),
        "system_meters": some_ecus,
    }[endpoint]
    return st.one_of(
        said.map(lambda data: json.dumps({"code": 0, "data": data})),
        st.sampled_from(["{}", '{"code": 0, "data": 7}']),  # which no parser takes
    )


@st.composite
def an_answer(draw: st.DrawFn) -> tuple[str, Request, str]:
    endpoint, system_id = draw(st.sampled_from([*INVENTORY_PARSERS])), draw(st.sampled_from(SYSTEMS))
    is_empty = draw(st.integers(0, 4)) == 0
    return "answer", Request(endpoint, "", system_id), "" if is_empty else draw(bodies(endpoint, system_id))


STEPS = st.lists(
    st.one_of(
        an_answer(),
        an_answer(),
        an_answer(),
        st.tuples(st.sampled_from(["lose", "mark", "refuse", "take"]), st.integers(0, 30)),
        st.tuples(st.sampled_from(["look", "look", "other reader"])),
    ),
    max_size=40,
)


class History:
    """A ledger to which things happen."""

    def __init__(self, url: str) -> None:
        self.clock = Clock(datetime(2024, 3, 20, 12, tzinfo=UTC))
        self.ledger = Ledger(url, now=self.clock)
        self._engine = sa.create_engine(url)
        self.calls: list[int] = []
        self.unread = 0

    def close(self) -> None:
        self.ledger.close()
        self._engine.dispose()

    def happen(self, step: tuple[Any, ...]) -> None:
        self.clock.turn(hours=30)
        match step:
            case ("answer", request, body):
                state = CallState.ANSWERED if body else CallState.NO_DATA
                call = self.ledger.reserve(request, ACCOUNT, after=10**9)
                code = 0 if body else 1001
                self.ledger.finish(call.call_id, CallEnd(state, 200, code, body=body or None))
                self.calls.append(call.call_id)
            case ("look",):
                assert_same(self.ledger)
                self.unread = len(self.calls)
            case ("other reader",):
                with mock.patch.object(sightings, "_READERS") as readers:
                    readers.of_inventory.return_value = "another"
                    assert_same(self.ledger)
            case ("lose", which) if self.calls[self.unread :]:
                self.lose(self.calls[self.unread + which % (len(self.calls) - self.unread)])
            case ("mark", which) if self.calls:
                self.lose(call_id := self.calls[which % len(self.calls)])
                self.ledger.mark_damaged(call_id, "is gone")
            case ("refuse" | "take" as verb, which) if self.calls:
                state = CallState.REFUSED if verb == "refuse" else CallState.ANSWERED
                self.ledger.set_state(self.calls[which % len(self.calls)], state)

    def lose(self, call_id: int) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM bodies WHERE call_id = :id"), {"id": call_id})


def read_all(ledger: Ledger) -> KnownFleet:
    """The fleet as every kept body together has it."""
    found: Sightings = {}
    lost = []
    for endpoint, parser in INVENTORY_PARSERS.items():
        for call_id, request, state, sent_utc in ledger.list_good_calls(endpoint):
            record, body = None, ledger.read_bodies([call_id]).get(call_id)
            if state is CallState.ANSWERED and body is None:
                lost.append(call_id)
                continue
            try:
                record = parser(open_body(body), request.system_id) if body and state != "no_data" else None
            except RefusedError:
                continue
            seen = Sighting(call_id, request.system_id, sent_utc, record)
            found.setdefault((endpoint, request.system_id), []).append(seen)
    return KnownFleet.from_sightings(found, lost)


def assert_same(ledger: Ledger) -> None:
    kept, whole = KnownFleet.load(ledger), read_all(ledger)
    assert kept.systems == whole.systems and sorted(kept.lost) == sorted(whole.lost)
    for table in TABLES:
        assert inventory_rows(table, kept).equals(inventory_rows(table, whole)), table.name
    for endpoint in INVENTORY_PARSERS:
        for system_id in SYSTEMS:
            request = Request(endpoint, "", system_id)
            assert kept.newest(request) == whole.newest(request)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_what_is_kept_says_what_all_answers_say(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(f"sqlite:///{folder}/ledger.sqlite")
        for step in [*steps, ("look",), ("look",)]:
            history.happen(step)
        history.close()


def equal_days(number: int) -> Iterator[tuple[Any, ...]]:
    for _ in range(number):
        for endpoint, data in (
            ("system_details", details(SYSTEMS[0], "8", [ECUS[0]])),
            ("system_inverters", [an_ecu(ECUS[0], [*INVERTERS], "M")]),
            ("system_meters", []),
        ):
            yield "answer", Request(endpoint, "", SYSTEMS[0]), json.dumps({"code": 0, "data": data})
        yield ("look",)


def rows_of(ledger: Ledger) -> int:
    return sum(len(each) for e in INVENTORY_PARSERS for each in ledger.list_equal_answers(e).values())


def test_an_equal_answer_adds_no_row_and_one_body_of_all_is_read(
    ledger_url: str,  # noqa: F811
) -> None:
    history = History(ledger_url)
    for step in equal_days(20):
        history.happen(step)
    assert rows_of(history.ledger) == len(INVENTORY_PARSERS)
    with mock.patch.object(history.ledger, "read_bodies", wraps=history.ledger.read_bodies) as read:
        assert set(KnownFleet.load(history.ledger).systems) == {SYSTEMS[0]}
        assert sum(len([*call.args[0]]) for call in read.call_args_list) == len(INVENTORY_PARSERS)
    history.close()


@pytest.mark.parametrize("spoil", ["forget", "an older release"])
def test_it_is_made_again_where_it_is_not_there(ledger_url: str, spoil: str) -> None:  # noqa: F811
    history = History(ledger_url)
    for step in equal_days(3):
        history.happen(step)
    before, kept = KnownFleet.load(history.ledger), rows_of(history.ledger)
    if spoil == "forget":
        history.ledger.forget_derived()
        assert rows_of(history.ledger) == 0
    else:
        history.close()
        forget_by_sql(ledger_url)
        history = History(ledger_url)
    assert KnownFleet.load(history.ledger) == before and rows_of(history.ledger) == kept
    history.close()


def forget_by_sql(url: str) -> None:
    """Bring a ledger to the version before there were equal answers."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE equal_answers"))
        connection.execute(sa.text("DROP INDEX calls_period"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    engine.dispose()


def test_a_call_that_ends_late_is_read(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path}/ledger.sqlite")
    late = history.ledger.reserve(Request("system_meters", "", SYSTEMS[0]), ACCOUNT)
    history.clock.turn(hours=2)
    for step in equal_days(2):
        history.happen(step)
    end = CallEnd(CallState.ANSWERED, 200, 0, body=json.dumps({"code": 0, "data": [ECUS[1]]}))
    history.ledger.finish(late.call_id, end)
    assert_same(history.ledger)
    assert {meter.device_id for meter in KnownFleet.load(history.ledger).systems[SYSTEMS[0]].meters}
    history.close()


def test_a_body_that_is_lost_later_is_missed(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path}/ledger.sqlite")
    for step in equal_days(3):
        history.happen(step)
    history.lose(history.calls[-1])
    for _ in range(2):
        assert_same(history.ledger)
        assert KnownFleet.load(history.ledger).lost == (history.calls[-1],)
    history.close()


def test_an_answer_that_is_judged_anew_is_forgotten(ledger_url: str) -> None:  # noqa: F811
    history = History(ledger_url)
    for step in equal_days(2):
        history.happen(step)
    history.ledger.set_state(history.calls[0], CallState.REFUSED)
    assert history.ledger.list_equal_answers("system_details") == {}
    assert rows_of(history.ledger) == len(INVENTORY_PARSERS) - 1
    assert_same(history.ledger)
    history.close()


def test_the_new_answers_of_a_system_are_found_by_its_index(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path}/ledger.sqlite")
    for step in equal_days(2):
        history.happen(step)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    engine = history.ledger._engine
    sa.event.listen(engine, "before_cursor_execute", note)
    history.ledger.list_good_calls("system_meters", SYSTEMS[0], after=3)
    sa.event.remove(engine, "before_cursor_execute", note)
    ((statement, parameters),) = [each for each in asked if each[0].startswith("SELECT")]
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    assert "calls_question (endpoint=? AND level=? AND system_id=?)" in str(plan)
    history.close()
