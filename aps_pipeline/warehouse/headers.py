"""The comment block that every .sql file of ours begins with.

-- mart.daily_production: what it is
-- grain: one row per …
-- caveat: codes of tables/caveats.py that apply, with commas between them
-- column energy_kwh [kWh]: what it means,
--   continued on the next line
SELECT …
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from aps_pipeline.warehouse.errors import HeaderError

_ENTRY = re.compile(
    r"-- (?P<word>[a-z][a-z0-9_.]*(?: [a-z][a-z0-9_]*)?)(?: \[(?P<unit>[^\]]+)\])?: (?P<text>\S.*)"
)
_CONTINUED = re.compile(r"--   +(?P<text>\S.*)")


@dataclass(frozen=True)
class Entry:
    """One line of a header: `word [unit]: text`."""

    word: str
    text: str
    unit: str = ""


@dataclass(frozen=True)
class SqlFile:
    """A .sql file taken apart: its name, its header in order, and its one statement."""

    name: str
    header: tuple[Entry, ...]
    statement: str

    def texts(self, word: str) -> list[str]:
        """The texts of every entry of that word."""
        return [entry.text for entry in self.header if entry.word == word]

    def one(self, word: str) -> str:
        """The text of the only entry of that word. Raises HeaderError."""
        found = self.texts(word)
        if len(found) != 1:
            raise HeaderError(f"{self.name}: {len(found)} lines '{word}: …' in the header instead of one")
        return found[0]


def read_sql(name: str, text: str) -> SqlFile:
    """Take a .sql file apart. Raises HeaderError."""
    entries: list[Entry] = []
    lines = text.splitlines()
    length = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for line in lines[:length]:
        if found := _ENTRY.fullmatch(line):
            entries.append(Entry(found["word"], found["text"], found["unit"] or ""))
        elif entries and (more := _CONTINUED.fullmatch(line)):
            last = entries.pop()
            entries.append(Entry(last.word, f"{last.text} {more['text']}", last.unit))
        else:
            raise HeaderError(f"{name}: not a header line: {line}")
    statement = "\n".join(lines[length:]).strip()
    if not statement or statement.endswith(";"):
        raise HeaderError(f"{name}: one query without a semicolon at its end is wanted after the header")
    return SqlFile(name, tuple(entries), statement)


def packaged(folder: str) -> list[SqlFile]:
    """Every .sql file of a folder of this package, by name. Raises HeaderError."""
    files = resources.files("aps_pipeline.warehouse").joinpath(folder).iterdir()
    texts = {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".sql")}
    return [read_sql(name, texts[name]) for name in sorted(texts)]
