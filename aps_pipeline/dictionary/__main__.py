"""Write the page to standard output: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from aps_pipeline.dictionary import build_sample, page

if __name__ == "__main__":
    with TemporaryDirectory() as directory:
        sys.stdout.write(page(build_sample(Path(directory))))
