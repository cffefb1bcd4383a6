"""The Dagster UI on loopback: on your own data (`aps ui`), or on a simulator with the demo (`make dev`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import suppress
from datetime import date

from aps_pipeline.config import SettingsError, load_settings
from aps_pipeline.orchestration.home import prepare_home
from aps_pipeline.orchestration.simulated import (
    demo_dir,
    demo_year,
    environment_of,
    get_simulated_settings,
    write_site_files,
    year_before,
)
from aps_pipeline.simulator import Simulator, demo_fleet

_SECONDS_TO_END = 20


def serve_own(port: int) -> int:
    """Run the UI on the configured data until Ctrl-C; return its exit code. Raises SettingsError, OSError."""
    home = prepare_home(load_settings().data_dir / "dagster")
    os.environ["DAGSTER_HOME"] = str(home)  # for the child
    _say(f"the UI: http://127.0.0.1:{port}, runs and events in {home}; Ctrl-C ends it")
    return _run_ui(port)


def serve_demo(port: int) -> int:
    """Run simulator and UI until Ctrl-C; return the exit code of the UI. Raises SettingsError, OSError."""
    own = load_settings()
    if own.app_id or own.fleet_file:
        _say("an account is set, but this shows simulated data; the real thing: aps ui")
    directory = demo_dir()
    home = prepare_home(directory / "dagster")
    year = demo_year()
    simulator = Simulator(fleet=demo_fleet(year), seed=1)
    write_site_files(directory, simulator.fleet, year)
    with simulator.serving() as url:
        settings = get_simulated_settings(simulator, url, directory, year_before(date(year, 1, 1)))
        _say(f"simulator on {url}, data in {directory}; the UI: http://127.0.0.1:{port}, Ctrl-C ends it")
        os.environ.update(environment_of(settings) | {"DAGSTER_HOME": str(home)})  # for the child
        return _run_ui(port)


def _run_ui(port: int) -> int:
    """Run `dagster dev` in its own session, so that Ctrl-C reaches it once; it ends its children."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    quietly = ("-W", "ignore:Function `dev_command` is superseded")
    command = [sys.executable, *quietly, "-m", "dagster", "dev", "--log-level", "warning"]
    command += ["-m", "aps_pipeline.orchestration.definitions", "-h", "127.0.0.1", "-p", str(port)]
    child = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own interpreter
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(_SECONDS_TO_END)
            return 0
        os.killpg(child.pid, signal.SIGKILL)
        return child.wait()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the command; returns its exit code."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="port of the UI on 127.0.0.1")
    parser.add_argument("--own", action="store_true", help="show the configured data, not the demo's")
    arguments = parser.parse_args()
    try:
        return (serve_own if arguments.own else serve_demo)(arguments.port)
    except SettingsError as error:
        _say(str(error))
        return 2
    except OSError as error:
        _say(f"cannot start: {error}")
        return 7


if __name__ == "__main__":
    sys.exit(main())
