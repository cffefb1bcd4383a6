"""The commands by name; what they do stands in the modules of their names, each imported when it runs.

So `aps --help` and shell completion wait for typer alone, and a command for what it needs itself. `demo` and
`ui` do no more than start a process, and stand here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from typing import Annotated

import typer

from aps_pipeline.cli.options import (
    Again,
    First,
    Force,
    Format,
    Json,
    Last,
    MaxCalls,
    Output,
    OutputFile,
    Profile,
    System,
    Systems,
    Tables,
    parse_day,
    parse_month,
)

app = typer.Typer(
    name="aps",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
export_app = typer.Typer(
    name="export",
    help="Write energy as other programs take it. Files only, nothing is sent.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(export_app)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        print(f"aps {version('aps-pipeline')}")
        raise typer.Exit


@app.callback()
def aps(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and leave."),
    ] = False,
) -> None:
    """Own your APsystems history: every call kept, every table rebuilt from it."""


@app.command()
def init(
    force: Annotated[bool, typer.Option("--force", help="Replace the .env of this folder.")] = False,
    as_json: Json = False,
) -> None:
    """Set up your own systems: ask for the keys, prove them with up to three calls, write .env."""
    from aps_pipeline.cli.init import init

    raise typer.Exit(init(force, as_json))


@app.command()
def demo(as_json: Json = False) -> None:
    """Backfill a simulated fleet through Dagster, no account needed."""
    # In a process of its own: it goes through Dagster, which this package does not know.
    command = [sys.executable, "-m", "aps_pipeline.orchestration.demo", *(["--json"] if as_json else [])]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - fixed words


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open the Dagster UI on your own data, on loopback."""
    # This process becomes that of the UI, so that Ctrl-C and signals reach it.
    own = [sys.executable, "-m", "aps_pipeline.orchestration.dev", "--own", "--port", str(port)]
    os.execv(sys.executable, own)  # noqa: S606 - our own interpreter and fixed words


@app.command()
def backfill(
    first: First,
    last: Last,
    tables: Tables = "",
    systems: Systems = "",
    profile: Profile = "",
    max_calls: MaxCalls = None,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Ask what is missing in a range of days, and build it."""
    from aps_pipeline.cli.backfill import backfill

    raise typer.Exit(backfill(first, last, tables, systems, max_calls, as_json, profile, again))


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
    """Show what is missing, what it costs, and when it will be paid. Makes no call."""
    from aps_pipeline.cli.plan import plan

    raise typer.Exit(plan(first, last, tables, systems, profile, as_json))


@app.command()
def refresh(
    tables: Tables = "",
    systems: Systems = "",
    profile: Profile = "",
    max_calls: MaxCalls = None,
    again: Again = False,
    as_json: Json = False,
) -> None:
    """Ask for yesterday, and again for what may have changed."""
    from aps_pipeline.cli.refresh import refresh

    raise typer.Exit(refresh(tables, systems, max_calls, as_json, profile, again))


@app.command()
def rebuild(tables: Tables = "", as_json: Json = False) -> None:
    """Write lake and warehouse again from the ledger. Makes no call."""
    from aps_pipeline.cli.rebuild import rebuild

    raise typer.Exit(rebuild(tables, as_json))


@app.command()
def status(as_json: Json = False) -> None:
    """Show what is held by table and month, and the quota. Says what is missing and why."""
    from aps_pipeline.cli.status import status

    raise typer.Exit(status(as_json))


@app.command()
def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not read every kept body and every file of the lake.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every kept body and file, and run every check. Makes no call, builds nothing.

    Ends with 5 if a check of severity error fails. Warnings are shown and counted, and end with 0.
    """
    from aps_pipeline.cli.verify import verify

    raise typer.Exit(verify(as_json, quick))


@app.command()
def report(
    month: Annotated[
        date | None,
        typer.Option(parser=parse_month, metavar="YYYY-MM", help="The month, or the newest that is whole."),
    ] = None,
    systems: Systems = "",
    as_json: Json = False,
) -> None:
    """Write a page on a month for each system and one for all. They go into DATA_DIR/reports. Makes no call.

    Each page is one HTML file, without script or request: open it, print it, send it.
    """
    from aps_pipeline.cli.report import report

    raise typer.Exit(report(month, systems, as_json))


@app.command()
def alerts(
    send: Annotated[
        bool, typer.Option("--send", help="Send it to APS_ALERT_URLS, and remember what was told.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what has gone wrong or recovered since it was last told. Makes no call to the API."""
    from aps_pipeline.cli.alerts import alerts

    raise typer.Exit(alerts(send, as_json))


@app.command()
def doctor(
    call: Annotated[
        bool, typer.Option("--call", help="Also make one call to prove the credentials.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check settings, directories and, if told so, the credentials."""
    from aps_pipeline.cli.doctor import doctor

    raise typer.Exit(doctor(call, as_json))


@app.command()
def tables(as_json: Json = False) -> None:
    """List every table with its rows, partitions and cost in calls."""
    from aps_pipeline.cli.tables import tables

    raise typer.Exit(tables(as_json))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over core, mart and meta.")],
    format_: Annotated[
        Format | None, typer.Option("--format", help="How to write it; a table unless told otherwise.")
    ] = None,
    output: Output = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Ask the warehouse, read-only."""
    from aps_pipeline.cli.sql import sql

    raise typer.Exit(sql(query, as_json, format_, output, force))


@app.command()
def simulate(
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
    from aps_pipeline.cli.simulate import serve

    raise typer.Exit(
        serve(port, seed, fleet, quota, rate, latency, fault or [], quirk or [], installer, accounts)
    )


@export_app.command()
def homeassistant(
    system: System, first: First, last: Last, output: OutputFile, force: Force = False, as_json: Json = False
) -> None:
    """Write hours of whole days for Home Assistant's recorder/import_statistics, with their running sum.

    The sum counts from the first hour held: after a backfill of earlier days export everything again.
    """
    from aps_pipeline.cli.export import write_homeassistant_file

    raise typer.Exit(write_homeassistant_file(system, first, last, output, force, as_json))


@export_app.command()
def pvoutput(
    system: System, first: First, last: Last, output: OutputFile, force: Force = False, as_json: Json = False
) -> None:
    """Write whole days for PVOutput's addbatchoutput: a line is one request of up to 30 days."""
    from aps_pipeline.cli.export import write_pvoutput_file

    raise typer.Exit(write_pvoutput_file(system, first, last, output, force, as_json))
