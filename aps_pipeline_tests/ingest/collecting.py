"""One collect in a process of its own: `python -m …collecting URL DATA_DIR FIRST LAST`."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

from aps_pipeline_tests.clocks import Clock
from aps_pipeline_tests.sites import Site, serving

THREADS = 4


def started(site: Site, first: date, last: date) -> subprocess.Popen[bytes]:
    """That process, for the directory of `site`."""
    arguments = (site.url, str(site.data_dir), first.isoformat(), last.isoformat())
    return subprocess.Popen([sys.executable, "-m", __name__, *arguments])


def main(url: str, data_dir: str, first: str, last: str) -> None:
    with serving(Path(data_dir)) as own:  # only its account and its clock are used
        site = Site(own.simulator, url, Clock(own.clock.instant), Path(data_dir))
        run = site.collect(
            date.fromisoformat(first), date.fromisoformat(last), max_in_flight=THREADS, calls_per_second=60
        )
    sys.exit(0 if run.summary.complete == run.summary.partitions else 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
