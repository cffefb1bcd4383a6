"""The commands below `aps export`, by name; what they do stands in `export`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from aps_pipeline.cli import export
from aps_pipeline.cli.options import Force, Json, OutputFile, day

exporting = typer.Typer(
    name="export",
    help="Write energy as other programs take it. Files only, nothing is sent.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

System = Annotated[str, typer.Option(help="The system, by its id.")]
First = Annotated[date, typer.Option("--from", parser=day, metavar="YYYY-MM-DD", help="First local day.")]
Last = Annotated[date, typer.Option("--to", parser=day, metavar="YYYY-MM-DD", help="Last local day.")]


@exporting.command()
def homeassistant(
    system: System, first: First, last: Last, output: OutputFile, force: Force = False, as_json: Json = False
) -> None:
    """Hours of whole days for Home Assistant's recorder/import_statistics, with their running sum.

    The sum counts from the first hour held: after a backfill of earlier days export everything again.
    """
    raise typer.Exit(export.homeassistant(system, first, last, output, force, as_json))


@exporting.command()
def pvoutput(
    system: System, first: First, last: Last, output: OutputFile, force: Force = False, as_json: Json = False
) -> None:
    """Whole days for PVOutput's addbatchoutput: each line is the data of one request of 30 days at most."""
    raise typer.Exit(export.pvoutput(system, first, last, output, force, as_json))
