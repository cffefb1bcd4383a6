"""The command line: the same use-cases as Dagster, without Dagster.

Exit codes are in `exits`; commands that make calls in `collect`, those that look in `look`, `ask`, `verify`,
files for other programs in `export`, the simulator in `simulate`. Results go to standard output, progress and
errors to standard error.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from types import FrameType

from aps_pipeline.cli.app import app
from aps_pipeline.cli.exits import EXPECTED_ERRORS, Exit, exit_of_error


def main() -> None:
    """Run a command and leave with the contract's exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(50_000)  # partitions come by the ten thousand, and hardly any of it is garbage
    try:
        app(standalone_mode=True)
    except EXPECTED_ERRORS as error:
        code = exit_of_error(error)
        print(f"error: {error}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"exit_code": int(code), "error": str(error)}))
        sys.exit(code)
    except KeyboardInterrupt:
        print("stopped: nothing is lost, run the same command again to go on", file=sys.stderr)
        sys.exit(Exit.INCOMPLETE)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.COMPLETE)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


__all__ = ["Exit", "app", "main"]
