"""Times for tests: one instant, and a clock that shows it until it is turned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOW = datetime(2024, 3, 20, 12, 0, tzinfo=UTC)


def real_time() -> datetime:
    return datetime.now(UTC)


class Clock:
    """An aware time that stands still until it is turned."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant

    def turn(self, **by: float) -> None:
        self.instant += timedelta(**by)


class Ticking:
    """A clock that moves each time it is read."""

    def __init__(self, instant: datetime, step: timedelta) -> None:
        self.instant, self.step = instant, step

    def __call__(self) -> datetime:
        self.instant += self.step
        return self.instant
