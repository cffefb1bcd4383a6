"""`aps sql`: its forms, and the files that it writes."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aps_pipeline.cli import export, sql
from aps_pipeline.cli.export import OutputError
from aps_pipeline.cli.sql import Format
from aps_pipeline.config import load_settings
from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline_tests.warehouse.conftest import Plant

QUERY = "SELECT date, -energy_kwh AS e, '=1' AS t, NULL AS n FROM core.system_daily_energy"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a warehouse, of which each test gets a copy."""
    plant = Plant(tmp_path_factory.mktemp("original"))
    plant.total("daily", date(2024, 3, 5), 1.5)
    plant.build()
    plant.ledger.close()
    return plant.path.parents[1]


@pytest.fixture
def built(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse that the settings lead to, in a folder for files."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("APS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(
    query: str = QUERY, format_: Format | None = None, output: Path | None = None, force: bool = False
) -> int:
    return sql.sql(query, as_json=False, format_=format_, output=output, force=force)


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        (Format.CSV, '"date","e","t","n"\n2024-03-05,-1.5,"\'=1",\n'),
        (Format.JSON, '[{"date": "2024-03-05", "e": -1.5, "t": "=1", "n": null}]\n'),
        (Format.TABLE, "date        e     t   n\n2024-03-05  -1.5  =1   \n"),
    ],
)
def test_a_file_holds_what_is_otherwise_printed(
    built: Path, capsys: pytest.CaptureFixture[str], format_: Format, text: str
) -> None:
    run(format_=format_)
    assert capsys.readouterr().out == text
    run(format_=format_, output=built / "out")
    assert (built / "out").read_text("utf-8") == text
    said = capsys.readouterr()
    assert (said.out, "1 row written to" in said.err) == ("", True)


def test_parquet_keeps_the_types(built: Path) -> None:
    run(format_=Format.PARQUET, output=built / "out.parquet")
    assert pq.read_table(built / "out.parquet").to_pylist() == [
        {"date": date(2024, 3, 5), "e": -1.5, "t": "=1", "n": None}
    ]


def test_parquet_needs_a_file(built: Path) -> None:
    with pytest.raises(NotConfiguredError, match="needs --output"):
        run(format_=Format.PARQUET)


def test_json_and_another_format_contradict_each_other() -> None:
    assert sql.select_format(True, None) is sql.select_format(True, Format.JSON) is Format.JSON
    with pytest.raises(NotConfiguredError, match="--json and --format csv"):
        sql.select_format(True, Format.CSV)


@pytest.mark.parametrize("name", ["warehouse.duckdb", "ledger.sqlite", "lake/core/x.parquet"])
def test_no_file_of_the_pipeline_is_replaced(built: Path, name: str) -> None:
    with pytest.raises(NotConfiguredError, match="belongs to the pipeline"):
        run(format_=Format.CSV, output=load_settings().data_dir / name, force=True)


def test_what_is_there_is_kept_unless_forced(built: Path) -> None:
    path = built / "out.csv"
    path.write_text("mine")
    with pytest.raises(NotConfiguredError, match="--force replaces it"):
        run(format_=Format.CSV, output=path)
    assert path.read_text() == "mine"
    run(format_=Format.CSV, output=path, force=True)
    assert path.read_text().startswith('"date"')
    assert not list(built.glob(".out.csv*"))


def test_only_files_are_replaced(built: Path) -> None:
    os.mkfifo(built / "pipe")
    for path in (built / "data", built / "pipe", Path(os.devnull)):
        with pytest.raises(NotConfiguredError, match="not a file"):
            run(format_=Format.CSV, output=path, force=True)


def test_a_link_stays_one(built: Path) -> None:
    (built / "real.csv").write_text("old")
    (built / "link.csv").symlink_to(built / "real.csv")
    run(format_=Format.CSV, output=built / "link.csv", force=True)
    assert (built / "link.csv").is_symlink()
    assert (built / "real.csv").read_text().startswith('"date"')


def test_a_failure_leaves_nothing_behind_and_keeps_what_was(built: Path) -> None:
    path = built / "out.csv"
    path.write_text("mine")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot write .*out\.csv: No space left"):
        export.write_file(path, fail)
    assert path.read_text() == "mine"
    assert not list(built.glob(".out.csv*"))


def test_a_wrong_query_makes_no_file(built: Path) -> None:
    with pytest.raises(ValueError, match="Parser Error"):
        run("SELEC 1", Format.CSV, built / "out.csv")
    assert not (built / "out.csv").exists()


def test_cells_of_a_table_are_text(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("SELECT '[/red]' || chr(27) || '[2J' AS \"[b]a\"")
    assert capsys.readouterr().out.split() == ["[b]a", r"[/red]\x1b[2J"]


def test_json_of_a_table_can_be_read(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql.sql("SELECT count(*) AS n FROM meta.calls", True, None, None, False)
    assert json.loads(capsys.readouterr().out) == [{"n": 1}]
