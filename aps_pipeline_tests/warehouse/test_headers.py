"""The headers of our .sql files: complete, in order, and refused otherwise."""

from __future__ import annotations

import duckdb
import pytest

from aps_pipeline import warehouse
from aps_pipeline.tables import CAVEATS
from aps_pipeline.warehouse import HeaderError, marts
from aps_pipeline.warehouse import builder as building
from aps_pipeline.warehouse.checks import check_of
from aps_pipeline.warehouse.marts import Mart, add_mart, mart_of, read_sql, sort_marts
from aps_pipeline_tests.warehouse.conftest import Plant

HEADER = """\
-- mart.sums: Sums
-- grain: one row per a
-- key: a
-- column a: A
-- column b [kWh]: B,
--   at length
"""


def mart(
    header: str = HEADER, query: str = "SELECT 2 AS a, 3 AS b UNION ALL SELECT 1, NULL", name: str = "sums"
) -> Mart:
    return mart_of(read_sql(f"{name}.sql", header + query))


def test_the_packaged_marts_are_these() -> None:
    assert [(m.table.name, m.after) for m in marts.marts()] == [
        ("panel_daily", ()),
        ("coverage", ()),
        ("decimals", ()),
        ("hourly_production", ()),
        ("system_zones", ()),
        ("monthly_production", ()),
        ("power", ()),
        ("yearly_production", ()),
        ("year_on_year", ()),
        ("local_days", ("system_zones",)),
        ("outages", ("system_zones",)),
        ("self_consumption", ("decimals", "system_zones")),
        ("specific_yield", ("system_zones",)),
        ("systems", ("system_zones",)),
        ("ecu_daily", ("local_days",)),
        ("savings", ("monthly_production", "self_consumption")),
        ("expected_daily", ("specific_yield",)),
        ("daily_production", ("ecu_daily", "local_days")),
        ("hourly_profile", ("daily_production",)),
        ("panel_windows", ("daily_production", "local_days", "panel_daily")),
        (
            "reconciliation",
            (
                *("daily_production", "decimals", "ecu_daily", "local_days"),
                *("monthly_production", "yearly_production"),
            ),
        ),
        ("panel_health", ("panel_windows",)),
        ("panel_month", ("panel_windows",)),
        ("conditions", ("daily_production", "panel_daily", "panel_health")),
    ]


def test_a_header_becomes_comments_and_the_key_the_order() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA mart")
        add_mart(connection, mart())
        assert connection.execute("FROM mart.sums").fetchall() == [(1, None), (2, 3)]
        said = connection.execute(
            "SELECT column_name, comment, is_nullable FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        assert said == [("a", "A", False), ("b", "B, at length [kWh]", True)]
        assert connection.execute("SELECT comment FROM duckdb_tables()").fetchall() == [
            ("Sums. One row per a.",)
        ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a",
        "SELECT 1 AS b, 2 AS a",
        "SELECT 1 AS a, 2 AS b, 3 AS c",
        "SELECT 1 AS a, 2 AS B",
    ],
)
def test_a_header_that_does_not_fit_its_query_fails(query: str) -> None:
    with duckdb.connect() as connection, pytest.raises(HeaderError, match=r"sums\.sql gives the columns"):
        connection.execute("CREATE SCHEMA mart")
        add_mart(connection, mart(query=query))


def test_a_mart_whose_header_does_not_fit_fails_the_build(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.build()
    old = plant.path.read_bytes()
    monkeypatch.setattr(building, "marts", lambda: [mart(query="SELECT 1 AS a, 2 AS c")])
    with pytest.raises(warehouse.HeaderError):
        plant.build()
    assert plant.path.read_bytes() == old


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-- key: a\n", "", "0 lines 'key: …'"),
        ("-- grain: one row per a\n", "", "0 lines 'grain: …'"),
        ("-- key: a\n", "-- key: a\n-- key: b\n", "2 lines 'key: …'"),
        ("-- key: a\n", "-- key: c\n", "key c is not a column"),
        ("-- mart.sums: Sums", "-- mart.other: Sums", "unknown header line 'mart.other: …'"),
        ("-- key: a\n", "-- key: a\n-- colour: red\n", "unknown header line 'colour: …'"),
        ("-- key: a\n", "-- key: a\n-- just words\n", "not a header line: -- just words"),
        ("-- key: a\n", "-- key: a\n-- caveat: provisional, rumour\n", "no caveat 'rumour'"),
        ("-- key: a\n", "-- key: a\n-- columns: all of nowhere but a\n", "'all of MART but COLUMN', not"),
        ("-- column a: A", "-- column a:", "not a header line"),
        ("-- mart.sums: Sums", "--   continued", "not a header line"),
    ],
)
def test_a_malformed_header_is_refused(old: str, new: str, message: str) -> None:
    assert old in HEADER
    with pytest.raises(HeaderError, match=f"sums.sql: .*{message}"):
        mart(HEADER.replace(old, new))


def test_caveats_by_code_end_the_comment() -> None:
    table = mart(HEADER.replace("-- key: a", "-- key: a\n-- caveat: provisional, local_hour")).table
    codes = [caveat.code for caveat in table.caveats]
    assert codes == ["provisional", "local_hour"]
    assert table.text == f"Sums. One row per a. {' '.join(CAVEATS[code].comment for code in codes)}"


def test_columns_that_another_mart_describes_are_described_once() -> None:
    by_name = {mart.table.name: mart.table for mart in marts.marts()}
    windows, months = by_name["panel_windows"], by_name["panel_month"]
    assert [note for note in windows.columns if note.name != "span"] == list(months.columns[1:])
    assert months.columns[0].name == "month"


def test_a_column_named_twice_is_refused() -> None:
    with duckdb.connect() as connection, pytest.raises(HeaderError, match="header names"):
        connection.execute("CREATE SCHEMA mart")
        add_mart(connection, mart(HEADER + "-- column a: A\n"))


@pytest.mark.parametrize("query", ["", "SELECT 1 AS a, 2 AS b;"])
def test_one_query_without_a_semicolon(query: str) -> None:
    with pytest.raises(HeaderError, match="one query"):
        mart(query=query)


def test_marts_follow_those_that_they_read() -> None:
    first = mart(HEADER.replace("sums", "a").replace("-- key", "-- after: z\n-- key"), name="a")
    last = mart(HEADER.replace("sums", "z"), name="z")
    assert sort_marts([first, last]) == [last, first]
    with pytest.raises(HeaderError, match="'z', which does not exist"):
        sort_marts([first])
    circle = mart(HEADER.replace("sums", "z").replace("-- key", "-- after: a\n-- key"), name="z")
    with pytest.raises(HeaderError, match="wait for each other"):
        sort_marts([first, circle])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("-- check.c: M\n-- severity: fatal\n-- advice: A\n", "severity is error or warning"),
        ("-- check.c: M\n-- severity: error\n", "0 lines 'advice: …'"),
        ("-- check.d: M\n-- severity: error\n-- advice: A\n", "'check.d: …'"),
    ],
)
def test_checks_say_what_they_mean(header: str, message: str) -> None:
    with pytest.raises(HeaderError, match=message):
        check_of(read_sql("c.sql", header + "SELECT 1"))
