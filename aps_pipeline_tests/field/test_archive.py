"""The archive is for ever: it has versions, and what is damaged is named, mended and in nobody's way."""

from __future__ import annotations

import io
import json
import logging
import shlex
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aps_pipeline.cli import main
from aps_pipeline.ingest import Summary
from aps_pipeline.ledger import LedgerError, opening
from aps_pipeline.parse import PARSERS, Parsed
from aps_pipeline.parse.energy import energy_list
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import Request
from aps_pipeline.tables import FETCHED, get_table
from aps_pipeline.wiring import build_warehouse
from aps_pipeline_tests.field.world import HOUSE_1, HOUSE_2, Roof, World, two_houses, world
from aps_pipeline_tests.warehouse.lean import without_comments

ENERGY = ("system_daily_energy", "inverter_batch_energy")
FIRST, LAST = date(2026, 11, 10), date(2026, 11, 12)


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with without_comments():
        yield


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", *two_houses()) as found:
        yield found


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that needs a collected house leaves it for the others to copy."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def collected(houses: World, prepared: Path) -> World:
    """Two houses with three days in ledger and lake."""
    copy = prepared / "houses"
    if copy.exists():
        shutil.copytree(copy, houses.data_dir)
    else:
        houses.collect(FIRST, LAST, ENERGY)
        shutil.copytree(houses.data_dir, copy)
    return houses


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said; what goes to the log stands in `stderr` as well."""

    returncode: int
    stdout: str
    stderr: str


def aps(of: World, *words: str) -> Ended:
    """`aps` as `main` runs it, with the clock of the machine."""
    out, err = io.StringIO(), io.StringIO()
    log = logging.StreamHandler(err)
    logging.getLogger("aps_pipeline").addHandler(log)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in environment_of(of).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["aps", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    logging.getLogger("aps_pipeline").removeHandler(log)
    code = ended.value.code
    return Ended(code if isinstance(code, int) else int(bool(code)), out.getvalue(), err.getvalue())


def environment_of(of: World) -> dict[str, str]:
    return {
        "APS_BASE_URL": of.url,
        "APS_APP_ID": "app0",
        "APS_APP_SECRET": "secret0secret",
        "APS_SYSTEM_IDS": ",".join(of.roofs),
        "APS_DATA_DIR": str(of.data_dir),
        "APS_MONTHLY_CALLS": "100000",
        "APS_CALLS_PER_SECOND": "2000",
    }


def ledger_file(of: World) -> Path:
    return of.data_dir / "ledger.sqlite"


def run_sql(of: World, *statements: str) -> None:
    with closing(sqlite3.connect(ledger_file(of))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def one(of: World, query: str, *values: object) -> Any:
    with closing(sqlite3.connect(ledger_file(of))) as connection:
        return connection.execute(query, values).fetchone()[0]


def rebuild(of: World) -> Summary:
    """The lake again from the ledger."""
    pipeline, summary = of.pipeline(), Summary()
    list(pipeline.rebuild(summary, FETCHED))
    pipeline.ledger.close()
    return summary


def build(of: World) -> None:
    """The warehouse, so that it can be checked."""
    pipeline = of.pipeline()
    build_warehouse(of.settings(), pipeline)
    pipeline.ledger.close()


def rows_of(of: World, table: str) -> list[dict[str, Any]]:
    pipeline = of.pipeline()
    pipeline.ledger.close()
    rows: list[dict[str, Any]] = pipeline.lake.read(get_table(table)).drop_columns(["call_id"]).to_pylist()
    return rows


def verified(of: World, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code of `aps verify`, and its checks that failed, by name."""
    found = json.loads(aps(of, "verify", "--json", *words).stdout)
    return found["exit_code"], {c["name"]: c for c in found["checks"] if not c["passed"]}


def remove_ledger(of: World) -> None:
    for each in of.data_dir.glob("ledger.sqlite*"):
        each.unlink()


def empty_file(of: World) -> None:
    remove_ledger(of)
    ledger_file(of).touch()


def empty_tables(of: World) -> None:
    tables = ("revisions", "news", "figures", "refusals", "bodies", "calls", "quotas")
    run_sql(of, *(f"DELETE FROM {table}" for table in tables))


class TestALedgerThatIsGone:
    """B6."""

    @pytest.mark.parametrize("lose", [remove_ledger, empty_file, empty_tables])
    @pytest.mark.parametrize(
        "words",
        [("backfill", "--from", "2026-11-10", "--to", "2026-11-10"), ("rebuild",), ("status",)],
        ids=lambda words: words[0],
    )
    def test_beside_a_full_lake_is_refused_before_a_call(
        self, collected: World, lose: object, words: tuple[str, ...]
    ) -> None:
        lose(collected)  # type: ignore[operator]
        before, lake = len(collected.requests), files_of(collected)
        refused = aps(collected, *words)
        assert refused.returncode == 7, refused.stderr
        assert "is gone or empty" in refused.stderr and "move the lake away" in refused.stderr
        assert len(collected.requests) == before and files_of(collected) == lake
        if lose is not empty_tables:
            assert not ledger_file(collected).exists() or not ledger_file(collected).stat().st_size

    def test_is_begun_anew_once_the_lake_is_moved_away(self, collected: World) -> None:
        remove_ledger(collected)
        with pytest.raises(LedgerError, match="is gone or empty"):
            collected.pipeline()
        (collected.data_dir / "lake").rename(collected.data_dir / "old")
        run = collected.collect(FIRST, LAST, ENERGY)
        assert run.summary.complete == run.summary.partitions

    def test_a_run_that_made_no_call_is_no_full_lake(self, houses: World) -> None:
        houses.collect(FIRST, LAST, ("systems", *ENERGY), max_calls=0)
        run = houses.collect(FIRST, LAST, ENERGY)
        assert run.summary.calls and run.summary.complete == run.summary.partitions


def files_of(of: World) -> dict[str, bytes]:
    core = of.data_dir / "lake" / "core"
    return {str(p.relative_to(core)): p.read_bytes() for p in sorted(core.rglob("*.parquet"))}


class TestALedgerOfAnotherTime:
    """B5."""

    def test_that_lacks_a_column_is_refused_before_a_call(self, collected: World) -> None:
        run_sql(collected, "ALTER TABLE calls DROP COLUMN error")
        before = len(collected.requests)
        refused = aps(collected, "backfill", "--from", "2026-11-01", "--to", "2026-11-02")
        assert refused.returncode == 7 and "error" in refused.stderr
        assert len(collected.requests) == before


class TestALockedLedger:
    """D5."""

    @pytest.fixture(autouse=True)
    def _hurried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0.3)

    @pytest.mark.parametrize("journal", ["wal", "delete"])
    @pytest.mark.parametrize("begin", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
    def test_is_busy_with_exit_code_6(self, collected: World, journal: str, begin: str) -> None:
        words = ("backfill", "--from", "2026-10-01", "--to", "2026-10-01", "--tables", ENERGY[0])
        with closing(sqlite3.connect(ledger_file(collected), isolation_level=None)) as other:
            other.execute(f"PRAGMA journal_mode={journal}")
            other.execute(begin)
            began = time.monotonic()
            assert aps(collected, *words).returncode == 6
            assert time.monotonic() - began < 15


BODIES = {
    "is gone": "DELETE FROM bodies WHERE call_id = {}",
    "is empty": "UPDATE bodies SET body = x'' WHERE call_id = {}",
    "is garbled": "UPDATE bodies SET body = x'00112233' WHERE call_id = {}",
    "was cut": "UPDATE bodies SET body = substr(body, 1, 30) WHERE call_id = {}",
    "is another's": "UPDATE bodies SET body = (SELECT body FROM bodies WHERE call_id = 1) WHERE call_id = {}",
}


class TestABodyThatIsDamaged:
    """C5."""

    @pytest.fixture
    def kept(self, collected: World) -> World:
        return collected

    def call_of(self, of: World, endpoint: str, sid: str = HOUSE_1) -> int:
        found = one(of, "SELECT max(call_id) FROM calls WHERE endpoint = ? AND system_id = ?", endpoint, sid)
        assert isinstance(found, int)
        return found

    @pytest.mark.parametrize("damage", BODIES)
    def test_is_red_alone(self, kept: World, damage: str) -> None:
        call_id = self.call_of(kept, "inverter_batch")
        day = date.fromisoformat(one(kept, "SELECT period FROM calls WHERE call_id = ?", call_id))
        whole, before = rebuild(kept), {table: rows_of(kept, table) for table in ENERGY}
        run_sql(kept, BODIES[damage].format(call_id))
        shutil.rmtree(kept.data_dir / "lake")
        for _ in range(2):
            summary = rebuild(kept)
            assert [str(f.request) for f in summary.failures] == [
                f"inverter_batch energy {HOUSE_1} 203000000001 {day}"
            ]
            assert (summary.partitions, summary.complete) == (whole.partitions, whole.partitions - 1)
        others = [r for r in before[ENERGY[1]] if not (r["system_id"] == HOUSE_1 and r["date"] == day)]
        assert rows_of(kept, ENERGY[1]) == others, "the other system of that day is there"
        assert rows_of(kept, ENERGY[0]) == before[ENERGY[0]]

    @pytest.mark.parametrize("found_by", ["rebuild", "verify"])
    def test_is_named_by_verify_and_mended_by_the_advised_command(self, kept: World, found_by: str) -> None:
        build(kept)
        call_id, before = self.call_of(kept, "inverter_batch"), rows_of(kept, ENERGY[1])
        run_sql(kept, BODIES["is garbled"].format(call_id))
        if found_by == "rebuild":
            assert aps(kept, "rebuild", "--tables", ENERGY[1]).returncode == 5
        code, failed = verified(kept)
        (named,) = failed["kept_answers"]["sample"]
        assert (code, named["call_id"]) == (5, call_id)
        asked, advised = len(kept.requests), shlex.split(named["remedy"])
        assert advised[:2] == ["aps", "backfill"]
        mended = aps(kept, *advised[1:])
        assert mended.returncode == 0, mended.stderr
        assert kept.counts(asked)["batch/energy"] == 1
        assert rows_of(kept, ENERGY[1]) == before
        assert verified(kept)[0] == 0

    def test_is_found_by_verify_before_anything_is_built(self, kept: World) -> None:
        build(kept)
        call_id, files = self.call_of(kept, "system_energy"), files_of(kept)
        run_sql(kept, BODIES["is garbled"].format(call_id))
        assert verified(kept, "--quick")[0] == 0
        code, failed = verified(kept)
        assert (code, failed["kept_answers"]["sample"][0]["call_id"]) == (5, call_id)
        assert verified(kept, "--quick")[0] == 5, "what is known by now is said"
        assert files_of(kept) == files

    def test_keeps_its_rows_in_the_lake_while_other_answers_come(self, kept: World) -> None:
        before = rows_of(kept, ENERGY[1])
        run_sql(kept, BODIES["is gone"].format(self.call_of(kept, "inverter_batch")))
        summary = rebuild(kept)
        assert len(summary.failures) == 1
        assert rows_of(kept, ENERGY[1]) == before
        asked = len(kept.requests)
        run = kept.collect(FIRST, LAST, ENERGY, system_ids=(HOUSE_2,))
        assert len(kept.requests) == asked and rows_of(kept, ENERGY[1]) == before
        assert run.summary.failures, "the day is red until it is asked for"

    @pytest.mark.parametrize("endpoint", ["system_details", "system_inverters"])
    def test_of_the_inventory_hides_no_data(self, kept: World, endpoint: str) -> None:
        before = {table: rows_of(kept, table) for table in ENERGY}
        run_sql(kept, BODIES["is garbled"].format(self.call_of(kept, endpoint)))
        summary = rebuild(kept)
        assert summary.failures
        assert {table: rows_of(kept, table) for table in ENERGY} == before
        run = kept.collect(FIRST, LAST, ("systems", *ENERGY))
        assert run.summary.complete == run.summary.partitions and run.summary.calls <= 2
        assert {table: rows_of(kept, table) for table in ENERGY} == before
        assert not rebuild(kept).failures

    def test_of_the_daily_series_does_not_stop_a_run(self, kept: World) -> None:
        run_sql(kept, BODIES["is gone"].format(self.call_of(kept, "system_energy")))
        run = kept.collect(FIRST, LAST, ENERGY)
        assert all(f.request.endpoint == "system_energy" for f in run.summary.failures)
        assert kept.collect(FIRST, LAST, ENERGY).summary.complete == len(run.results)

    def test_that_came_back_counts_again(self, kept: World) -> None:
        call_id = self.call_of(kept, "inverter_batch")
        copy = ledger_file(kept).with_name("copy")
        with closing(sqlite3.connect(ledger_file(kept))) as c, closing(sqlite3.connect(copy)) as d:
            c.backup(d)
        run_sql(kept, BODIES["is gone"].format(call_id))
        assert rebuild(kept).failures
        remove_ledger(kept)
        copy.rename(ledger_file(kept))
        assert not rebuild(kept).failures


def cut(file: Path, _other: Path) -> None:
    file.write_bytes(file.read_bytes()[:300])


def empty(file: Path, _other: Path) -> None:
    file.write_bytes(b"")


def flip(file: Path, _other: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0x10
    file.write_bytes(content)


def flip_in_the_footer(file: Path, _other: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-200] ^= 0x01
    file.write_bytes(content)


def swap(file: Path, other: Path) -> None:
    shutil.copyfile(other, file)


def bring(file: Path, _other: Path) -> None:
    pq.write_table(pq.read_table(file, partitioning=None).replace_schema_metadata(None), file)


def bring_other_columns(file: Path, _other: Path) -> None:
    pq.write_table(pq.read_table(file, partitioning=None).select([0]), file)


DAMAGES = [cut, empty, flip, flip_in_the_footer, swap, bring, bring_other_columns]
POWER = "inverter_batch_power"


class TestAFileThatIsDamaged:
    """C6."""

    TABLES = (*ENERGY, POWER)

    @pytest.fixture
    def kept(self, prepared: Path) -> Iterator[World]:
        """A house with its warehouse, always in the same folder: the views of a warehouse name it."""
        data, copy = prepared / "data", prepared / "built"
        shutil.rmtree(data, ignore_errors=True)
        with world(data, Roof()) as found:
            if copy.exists():
                shutil.copytree(copy, data)
            else:
                found.collect(FIRST, LAST, self.TABLES)
                build(found)
                shutil.copytree(data, copy)
            yield found

    def files(self, of: World, table: str) -> tuple[Path, Path]:
        folder = of.data_dir / "lake" / "core" / table
        return folder / f"date={LAST}/part-0.parquet", folder / f"date={FIRST}/part-0.parquet"

    @pytest.mark.parametrize("damage", DAMAGES)
    @pytest.mark.parametrize("table", [POWER])
    def test_is_named_with_the_command_that_mends_it(self, kept: World, table: str, damage: Any) -> None:
        before, asked = files_of(kept), len(kept.requests)
        file, other = self.files(kept, table)
        damage(file, other)
        code, failed = verified(kept)
        assert code == 5
        (named,) = failed["lake_files"]["sample"]
        assert named["file"] == str(file)
        mended = aps(kept, *shlex.split(named["remedy"])[1:])
        assert mended.returncode == 0, mended.stderr
        assert files_of(kept) == before and len(kept.requests) == asked
        assert verified(kept)[0] == 0

    @pytest.mark.parametrize(
        ("table", "damage"),
        [(ENERGY[1], cut), (ENERGY[1], bring_other_columns), (POWER, cut), (POWER, empty)],
    )
    def test_is_in_nobodys_way(self, kept: World, table: str, damage: Any) -> None:
        before, asked = files_of(kept), len(kept.requests)
        file, other = self.files(kept, table)
        damage(file, other)
        words = ("--from", "2026-11-14", "--to", "2026-11-14", "--tables", ",".join(self.TABLES))
        run = aps(kept, "backfill", *words)
        assert run.returncode == 0, run.stderr
        assert len(kept.requests) > asked
        assert str(file) in run.stderr and "written again from the ledger" in run.stderr
        assert {name: files_of(kept)[name] for name in before if "2026-11-1" in name} == {
            name: content for name, content in before.items() if "2026-11-1" in name
        }
        assert len(list((kept.data_dir / "lake" / ".damaged").rglob("*.parquet"))) == 1

    @pytest.mark.parametrize("damage", DAMAGES[:-2])
    def test_in_the_range_of_a_run_is_written_again(self, kept: World, damage: Any) -> None:
        if damage is flip:
            pytest.skip("what only its digest tells is left to verify")
        before = files_of(kept)
        damage(*self.files(kept, POWER))
        kept.collect(FIRST, LAST, self.TABLES)
        assert files_of(kept) == before

    @pytest.mark.parametrize("how", ["gone", "an older one"])
    def test_that_is_not_what_the_answers_make_is_said_as_well(self, kept: World, how: str) -> None:
        before, (file, _) = files_of(kept), self.files(kept, POWER)
        if how == "gone":
            file.unlink()
        else:
            values, pipeline = (str(LAST),), kept.pipeline()
            rows = pipeline.lake.read_partition(get_table(POWER), values)
            assert rows is not None
            pipeline.lake.write(get_table(POWER), values, rows.slice(0, 7), "other answers")
            pipeline.ledger.close()
        code, failed = verified(kept)
        (named,) = failed["lake_partitions"]["sample"]
        assert (code, named["table"], named["first"]) == (0, POWER, str(LAST))
        assert aps(kept, *shlex.split(named["remedy"])[1:]).returncode == 0
        assert files_of(kept) == before and "lake_partitions" not in verified(kept)[1]

    def test_that_nothing_makes_is_set_aside(self, kept: World) -> None:
        before = files_of(kept)
        file, _ = self.files(kept, POWER)
        for name in ("date=2019-01-01", "date=no-such-da"):
            shutil.copytree(file.parent, file.parents[1] / name)
        code, failed = verified(kept)
        assert code == 5 and failed["lake_files"]["failing"] == 2
        assert aps(kept, "rebuild", "--tables", POWER).returncode == 0
        assert files_of(kept) == before and verified(kept)[0] == 0

    def test_a_warehouse_that_cannot_be_opened_is_said_beside_the_rest(self, kept: World) -> None:
        cut(*self.files(kept, POWER))
        (kept.data_dir / "warehouse.duckdb").write_bytes(b"nothing" * 1000)
        code, failed = verified(kept)
        assert code == 5 and {"warehouse", "lake_files"} <= failed.keys()


class TestAMendedParser:
    """A6."""

    def mend(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def mended(*args: Any) -> Parsed:
            found = energy_list(*args)
            doubled = [None if v is None else v * 2 for v in found.rows["energy_kwh"].to_pylist()]
            at = found.rows.schema.get_field_index("energy_kwh")
            rows = found.rows.set_column(at, found.rows.schema.field(at), [doubled])
            return Parsed(rows, found.rejected)

        monkeypatch.setitem(PARSERS, "system_daily_energy", mended)

    def test_has_its_partitions_built_again_at_no_call(
        self, houses: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        houses.collect(FIRST, LAST, ENERGY)
        before, asked, rows = files_of(houses), len(houses.requests), rows_of(houses, ENERGY[0])
        houses.collect(FIRST, LAST, ENERGY)
        assert files_of(houses) == before
        self.mend(monkeypatch)
        run = houses.collect(FIRST, LAST, ENERGY)
        assert len(houses.requests) == asked and run.summary.calls == 0
        now = files_of(houses)
        assert {name.split("/")[0] for name in now if now[name] != before[name]} == {ENERGY[0]}
        mended = rows_of(houses, ENERGY[0])
        assert [r["energy_kwh"] for r in mended] == [r["energy_kwh"] * 2 for r in rows]

    def test_reads_a_refused_body_again_and_only_then(
        self, houses: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        houses.rules = [
            lambda r: (
                {"code": 0, "data": ["1"] * 23} if (r.kind, r.sid) == ("energy/hourly", HOUSE_1) else None
            )
        ]
        table = "system_hourly_energy"
        assert houses.collect(FIRST, FIRST, (table,)).summary.failures
        pipeline = houses.pipeline()
        (refusal,) = pipeline.ledger.list_refusals()
        list(pipeline.rebuild(Summary()))
        read: list[object] = []
        bodies = pipeline.ledger.read_bodies
        monkeypatch.setattr(
            type(pipeline.ledger), "read_bodies", lambda self, ids: bodies(read.extend(i := list(ids)) or i)
        )
        list(pipeline.rebuild(Summary()))
        assert refusal.call_id not in read, "the same reader need not try again"
        parser = PARSERS[table]

        def mended(table_: Any, data: Any, asked: Any) -> Parsed:
            return parser(table_, data + ["1"] * (24 - len(data)), asked)

        monkeypatch.setitem(PARSERS, table, mended)
        list(pipeline.rebuild(Summary()))
        assert refusal.call_id in read and not pipeline.ledger.list_refusals()
        pipeline.ledger.close()
        assert {r["system_id"] for r in rows_of(houses, table)} == {HOUSE_1, HOUSE_2}


class TestACallOfAnotherHost:
    """D4."""

    def test_is_taken_over_after_90_seconds_and_said_once(
        self, houses: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        pipeline = houses.pipeline()
        houses.collect(FIRST, FIRST, ENERGY[:1])
        account = pipeline.accounts[0].quota_account
        period = Period(Grain.MONTH, date(2026, 10, 1))
        for sid in houses.roofs:
            pipeline.ledger.reserve(Request("system_energy", "daily", sid, "", period), account)
        pipeline.ledger.close()
        run_sql(houses, "UPDATE calls SET owner = 'elsewhere|1|1.00' WHERE state = 'in_flight'")
        houses.clock.turn(seconds=91)
        run = houses.collect(date(2026, 10, 1), date(2026, 10, 31), ENERGY[:1])
        assert run.summary.complete == run.summary.partitions
        assert [r.message for r in caplog.records if "elsewhere" in r.message] == [
            "process 1 on elsewhere has given no sign of life for 90 s: "
            "2 calls that it had in flight will be made again where needed"
        ]
