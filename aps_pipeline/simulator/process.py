"""A simulator in a process of its own, so that it uses another core than those whom it answers."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aps_pipeline.simulator.fleet import Fleet
from aps_pipeline.simulator.service import Simulator


@contextmanager
def serving_apart(fleet: Fleet, seed: int) -> Iterator[tuple[str, Callable[[], int]]]:
    """Serve a fleet until the context ends, or this process does; yields the URL and a count of signed calls.

    Raises OSError if it does not start.
    """
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - both are pipes
        lines = process.stdout
        pickle.dump((fleet, seed), process.stdin)
        process.stdin.flush()
        url = lines.readline().decode().strip()
        if not url:
            raise OSError("the simulator did not start")

        def count_calls() -> int:
            assert process.stdin is not None  # noqa: S101 - as above
            process.stdin.write(b"\n")
            process.stdin.flush()
            return int(lines.readline())

        try:
            yield url, count_calls
        finally:
            process.stdin.close()


def main() -> None:
    """Serve the fleet that comes through standard input; each line after it asks for the calls so far."""
    fleet, seed = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    simulator = Simulator(fleet=fleet, seed=seed)
    with simulator.serving() as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        for _ in sys.stdin.buffer:
            sys.stdout.write(f"{simulator.counts.total}\n")
            sys.stdout.flush()
