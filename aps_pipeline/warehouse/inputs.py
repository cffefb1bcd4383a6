"""What a warehouse is built from, as one digest, and the moment at which a build began to read it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version

from aps_pipeline.lake import Lake, LakeState
from aps_pipeline.ledger import Ledger
from aps_pipeline.site import Site
from aps_pipeline.tables import TABLES

_SECOND = 1_000_000_000
_TICK = _SECOND // 50
"""Longer than a file's time may lag behind the clock."""

_CODE_FOLDERS = ("ingest", "parse", "planning", "site", "tables", "warehouse", "warehouse/sql")
"""The code that decides what a build makes of its inputs."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Code, settings, site, ledger and lake at one moment; `lake` is None where changes are not seen."""

    digest: str
    lake: LakeState | None
    terms: str = ""
    """The part of the digest that must be the same for a warehouse to be brought up to date."""

    def were_read_at(self, moment_ns: int) -> bool:
        """Whether a build that began to read at that moment (ns since 1970) has seen the lake as it is."""
        if self.lake is None:
            return False
        return is_before(self.lake.changed_ns, moment_ns)

    def wait_for_mtime_tick(self) -> int:
        """Sleep past the file system's clock tick, so that later writes have a later mtime.

        Returns the time after that, in ns since 1970.
        """
        now = time.time_ns()
        if self.lake is not None and 0 <= (age := now - self.lake.changed_ns) <= _TICK:
            time.sleep((2 * _TICK - age) / _SECOND)
        return time.time_ns()


def is_before(changed_ns: int, moment_ns: int) -> bool:
    """Tell whether a change was surely before a moment: changes after it have another time."""
    if changed_ns % _SECOND == 0:  # a file system of whole seconds, or of every other one
        changed_ns += 2 * _SECOND
    return changed_ns < moment_ns - _TICK


def inputs_of(lake: Lake, ledger: Ledger, revision_days: int, site: Site) -> Inputs:
    """Collect what a build would read now. Raises StorageError, LedgerError."""
    state = lake.state()
    lines = [package_version(), _code(), str(revision_days), site.digest_text]
    lines.append(lake.path(TABLES["systems"]))  # views name the lake by its path
    terms = _digest(lines)
    lines += [
        f"{kind} {n} {newest} {end and end.isoformat()}" for kind, n, newest, end in ledger.count_by_state()
    ]
    if state is not None:
        lines.append(str(state.partitions))
    return Inputs(_digest(lines), state, terms)


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def package_version() -> str:
    """Look up the version of this package."""
    try:
        return version("aps-pipeline")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"


@cache
def _code() -> str:
    """Compute a digest of the code that a build depends on, which may change within one version."""
    digest = hashlib.sha256()
    for folder in map(resources.files("aps_pipeline").joinpath, _CODE_FOLDERS):
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".sql")):
                digest.update(file.read_bytes())
    return digest.hexdigest()
