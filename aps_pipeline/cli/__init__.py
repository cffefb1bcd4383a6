"""The command line: the same use-cases as Dagster, without Dagster.

`app` holds the commands, `options` what they take. What a command does is in the module of its name, imported
when it runs. `console` has what all of them print with, `backfill` also how any run is reported. Exit
codes are in `aps_pipeline.errors`.
Results go to standard output, progress and errors to standard error.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from types import FrameType

from aps_pipeline.cli.app import app
from aps_pipeline.errors import Exit, PipelineError

_INTERRUPTED = 130
"""The exit code that typer makes of KeyboardInterrupt."""


def main() -> None:
    """Run a command and leave with the contract's exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(50_000)  # partitions come by the ten thousand, and hardly any of it is garbage
    try:
        app(standalone_mode=True)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"exit_code": int(error.exit_code), "error": str(error)}))
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code != _INTERRUPTED:
            raise
        print("stopped: nothing is lost, run the same command again to go on", file=sys.stderr)
        sys.exit(Exit.INCOMPLETE)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.COMPLETE)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


__all__ = ["Exit", "app", "main"]
