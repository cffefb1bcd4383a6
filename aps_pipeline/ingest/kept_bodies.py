"""A kept body that is to be read, and the error where it is gone or garbled."""

from __future__ import annotations

from collections.abc import Mapping

from aps_pipeline.parse import RefusedError


class BodyLostError(RefusedError):
    """The kept body of a call is gone or garbled: nothing can be read of it, by whichever parser."""

    def __init__(self, call_id: int) -> None:
        super().__init__(
            f"the kept body of call {call_id} is gone or garbled; `aps verify` says how to mend it"
        )
        self.call_id = call_id


def body_of(bodies: Mapping[int, str], call_id: int) -> str:
    """The body of an answered call, out of what the ledger could read. Raises BodyLostError."""
    try:
        return bodies[call_id]
    except KeyError:
        raise BodyLostError(call_id) from None
