"""The commands by name; what they do stands in the modules beside."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from aps_pipeline.cli import alerts as alerts_
from aps_pipeline.cli import backfill as backfill_
from aps_pipeline.cli import demo as demo_
from aps_pipeline.cli import doctor as doctor_
from aps_pipeline.cli import plan as plan_
from aps_pipeline.cli import rebuild as rebuild_
from aps_pipeline.cli import refresh as refresh_
from aps_pipeline.cli import report as report_
from aps_pipeline.cli import sql as sql_
from aps_pipeline.cli import status as status_
from aps_pipeline.cli import verify as verify_
from aps_pipeline.cli.console import Force, Json, Output, parse_day
from aps_pipeline.cli.console import parse_month as month_
from aps_pipeline.cli.export import export_app
from aps_pipeline.cli.tables import tables as list_tables
from aps_pipeline.tables import PROFILES

app = typer.Typer(
    name="aps",
    help="Own your APsystems history: every call kept, every table rebuilt from it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(export_app)

Tables = Annotated[str, typer.Option(help="Only these tables, comma separated; see `aps tables`.")]
Systems = Annotated[str, typer.Option(help="Only these systems, comma separated.")]
Profile = Annotated[
    str, typer.Option(help=f"A set of tables instead: {', '.join(PROFILES)}.", metavar="PROFILE")
]
Again = Annotated[
    bool, typer.Option("--again", help="Ask once more whatever is held or concluded; it costs calls.")
]
MaxCalls = Annotated[int | None, typer.Option(min=0, help="Make at most this many calls in this run.")]


@app.command()
def demo(as_json: Json = False) -> None:
    """Backfill a simulated fleet through Dagster, no account needed."""
    raise typer.Exit(demo_.demo(as_json))


@app.command()
def backfill(
    first: Annotated[
        date, typer.Option("--from", parser=parse_day, metavar="YYYY-MM-DD", help="First local day.")
    ],
    last: Annotated[
        date, typer.Option("--to", parser=parse_day, metavar="YYYY-MM-DD", help="Last local day.")
    ],
    tables: Tables = "",
    systems: Systems = "",
    profile: Profile = "",
    max_calls: MaxCalls = None,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Ask what is missing in a range of days and build its partitions and the warehouse."""
    raise typer.Exit(backfill_.backfill(first, last, tables, systems, max_calls, as_json, profile, again))


@app.command()
def plan(
    first: Annotated[
        date | None,
        typer.Option("--from", parser=parse_day, metavar="YYYY-MM-DD", help="First day, or APS_START_DATE."),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", parser=parse_day, metavar="YYYY-MM-DD", help="Last day, or today."),
    ] = None,
    tables: Tables = "",
    systems: Systems = "",
    profile: Profile = "",
    as_json: Json = False,
) -> None:
    """Show what is missing, what it costs, and when the quota will have paid for it. Makes no call."""
    raise typer.Exit(plan_.plan(first, last, tables, systems, profile, as_json))


@app.command()
def refresh(
    tables: Tables = "",
    systems: Systems = "",
    profile: Profile = "",
    max_calls: MaxCalls = None,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Ask for yesterday, and again for what other answers show to have changed."""
    raise typer.Exit(refresh_.refresh(tables, systems, max_calls, as_json, profile, again))


@app.command()
def rebuild(tables: Tables = "", as_json: Json = False) -> None:
    """Write lake and warehouse again from the ledger. Makes no call."""
    raise typer.Exit(rebuild_.rebuild(tables, as_json))


@app.command()
def status(as_json: Json = False) -> None:
    """Show what is held of each table by month, what is missing and why, and what is left of the quota."""
    raise typer.Exit(status_.status(as_json))


@app.command()
def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not read every kept body and every file of the lake.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every kept body and file, and run every check on the warehouse. Makes no call, builds nothing.

    Ends with 5 if a check of severity error fails. Warnings are shown and counted, and end with 0.
    """
    raise typer.Exit(verify_.verify(as_json, quick))


@app.command()
def report(
    month: Annotated[
        date | None,
        typer.Option(parser=month_, metavar="YYYY-MM", help="The month, or the newest that is whole."),
    ] = None,
    systems: Systems = "",
    as_json: Json = False,
) -> None:
    """Write a page on a month for each system and one for all, into DATA_DIR/reports. Makes no call.

    Each page is one HTML file, without script or request: open it, print it, send it.
    """
    raise typer.Exit(report_.report(month, systems, as_json))


@app.command()
def alerts(
    send: Annotated[
        bool, typer.Option("--send", help="Send it to APS_ALERT_URLS, and remember what was told.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what has gone wrong or recovered since it was last told. Makes no call to the API."""
    raise typer.Exit(alerts_.alerts(send, as_json))


@app.command()
def doctor(
    call: Annotated[
        bool, typer.Option("--call", help="Also make one call to prove the credentials.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check settings, directories and, if told so, the credentials."""
    raise typer.Exit(doctor_.doctor(call, as_json))


@app.command("tables")
def tables_(as_json: Json = False) -> None:
    """Every table: what a row is, how it is partitioned, and what one period costs in calls."""
    raise typer.Exit(list_tables(as_json))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over core, mart and meta.")],
    format_: Annotated[
        sql_.Format | None, typer.Option("--format", help="How to write it; a table unless told otherwise.")
    ] = None,
    output: Output = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Ask the warehouse, read-only."""
    raise typer.Exit(sql_.sql(query, as_json, format_, output, force))


@app.command("simulate")
def simulate_(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Loopback port; 0 takes a free one.")] = 8282,
    seed: Annotated[int, typer.Option(help="Another seed is another weather.")] = 1,
    fleet: Annotated[
        str, typer.Option(help="The simulated roofs: demo, awkward, or a JSON file. Not APS_FLEET_FILE.")
    ] = "demo",
    accounts: Annotated[int, typer.Option(min=1, help="The number of accounts that share the systems.")] = 1,
    quota: Annotated[
        int | None, typer.Option(min=0, help="Calls a month of an account before code 2005.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0, help="Calls a second before code 7002.")] = None,
    latency: Annotated[float, typer.Option(min=0, help="Seconds that each answer takes.")] = 0.0,
    fault: Annotated[list[str] | None, typer.Option(help="Faults such as 5000:0.05 or html:0.01.")] = None,
    quirk: Annotated[list[str] | None, typer.Option(help="Dialects such as nulls or ac_p.")] = None,
    installer: Annotated[bool, typer.Option("--installer", help="The prefix of installer keys.")] = False,
) -> None:
    """Serve an APsystems OpenAPI with a simulated fleet on loopback."""
    from aps_pipeline.cli import simulate  # noqa: PLC0415 - only this command needs a simulator

    raise typer.Exit(
        simulate.serve(port, seed, fleet, quota, rate, latency, fault or [], quirk or [], installer, accounts)
    )
