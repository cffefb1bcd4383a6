"""The part of `aps verify` that reads the archive: every kept body and every file of the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Literal

from aps_pipeline.ingest import Pipeline
from aps_pipeline.ingest.mending import partitions_to_build
from aps_pipeline.lake import FileFault, StorageError
from aps_pipeline.ledger import BodyFault, LedgerError
from aps_pipeline.progress import ItemProgress
from aps_pipeline.tables import FETCHED, TABLES
from aps_pipeline.warehouse import CheckResult

Row = dict[str, Any]


def check_archive(pipeline: Pipeline, *, quick: bool, quiet: bool) -> Iterator[CheckResult]:
    """Read bodies and files against their digests, or with `quick` only say what is known to be lost.

    An answer that is found lost counts no longer, so that the advised command asks for it again.
    """
    yield _result(
        "kept_answers",
        "An answer whose kept body is gone or garbled. Its rows stay in the lake as long as their file does.",
        "Run the command beside it: one call each.",
        lambda: _lost_answers(pipeline, quick=quick, quiet=quiet),
    )
    if quick:
        return
    yield _result(
        "lake_files",
        "A file of the lake that was cut, changed, swapped, or not written by this program.",
        "Run the command beside it: it makes no call, and sets the file aside.",
        lambda: [_of_file(fault) for fault in _damaged_files(pipeline, quiet=quiet)],
    )
    yield _result(
        "lake_partitions",
        "A table some of whose partitions are not what the kept answers make: their file was taken away or "
        "is an older one, a run was not done, or another version of this program has written it.",
        "Run the command beside it, which makes no call, or the run again that was not done.",
        lambda: list(_outdated(pipeline)),
        "warning",
    )


def _result(
    name: str,
    meaning: str,
    advice: str,
    work: Callable[[], list[Row]],
    severity: Literal["error", "warning"] = "error",
) -> CheckResult:
    try:
        rows = work()
    except (LedgerError, StorageError) as error:
        rows, advice, severity = [{"problem": str(error)}], "It could not be looked at.", "error"
    return CheckResult(name, severity, len(rows), tuple(rows), meaning, advice)


def _lost_answers(pipeline: Pipeline, *, quick: bool, quiet: bool) -> list[Row]:
    """The lost answers that nothing has replaced, those found now among them."""
    ledger = pipeline.ledger
    found: dict[int, BodyFault] = {}
    if not quick:
        with ItemProgress("verify", "bodies", ledger.kept_bodies(), quiet=quiet) as progress:
            for count, faults in ledger.check_bodies():
                for fault in faults:
                    if fault.is_open:
                        found[fault.call_id] = fault
                        ledger.mark_damaged(fault.call_id, fault.reason)
                progress.advance(count)
    found |= {fault.call_id: fault for fault in ledger.damaged()} | found
    return [_of_answer(found[call_id]) for call_id in sorted(found)]


def _of_answer(fault: BodyFault) -> Row:
    question = fault.question
    today = datetime.now(UTC).date()
    first, last = (question.period.first, question.period.last) if question.period.key else (today, today)
    tables = ",".join(table.name for table in FETCHED if table.source.kind == question.kind)
    command = f"aps backfill --from {first} --to {last} --tables {tables} --systems {question.system_id}"
    return {
        "call_id": fault.call_id,
        "answer": str(question),
        "problem": fault.reason,
        "mend_with": command,
    }


def _damaged_files(pipeline: Pipeline, *, quiet: bool) -> Iterator[FileFault]:
    with ItemProgress("verify", "files", None, quiet=quiet) as progress:
        for _, fault in pipeline.lake.check_files(TABLES.values()):
            progress.advance(1)
            if fault is not None:
                yield fault


def _outdated(pipeline: Pipeline) -> Iterator[Row]:
    """Tables of which some partitions are not what the kept answers make."""
    found = partitions_to_build(pipeline.ledger, pipeline.lake, pipeline.revision)
    for table, partitions in groupby(found, key=lambda each: each[0]):
        keys = [period.key for _, period in partitions]
        yield {
            "table": table.name,
            "partitions": len(keys),
            "first": keys[0],
            "last": keys[-1],
            "mend_with": f"aps rebuild --tables {table.name}",
        }


def _of_file(fault: FileFault) -> Row:
    names = fault.values[:1] if fault.table.side_of and fault.values else (fault.table.name,)
    return {
        "file": fault.path,
        "problem": fault.reason,
        "mend_with": f"aps rebuild --tables {','.join(names)}",
    }
