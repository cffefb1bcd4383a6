"""What is worth most comes first: coarse before fine, yesterday, what expires, then newest backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from aps_pipeline.periods import Grain
from aps_pipeline.planning.needs import Needs, grain_of
from aps_pipeline.question import Question
from aps_pipeline.tables import Table

_COARSE_FIRST = (Grain.LIFETIME, Grain.YEAR, Grain.MONTH, Grain.DAY)


def phases(tables: Iterable[Table]) -> list[list[Table]]:
    """The tables by the length of their periods, coarse first: what one phase finds spares calls of the next.

    The whole history in kWh of a system costs fewer than a hundred calls.
    """
    by_grain: dict[Grain, list[Table]] = {}
    for table in tables:
        by_grain.setdefault(grain_of(table), []).append(table)
    return [by_grain[grain] for grain in _COARSE_FIRST if grain in by_grain]


def by_worth(
    needs: Sequence[Needs], newest: date, expiring: Iterable[tuple[str, str]] = ()
) -> list[Question]:
    """The questions of one phase in the order in which they are worth most, each once.

    First those of the `newest` day, then those of endpoints and levels that the server is known to forget,
    oldest first, then all others, newest first. Systems take turns: what is alike is ordered by period.
    """
    forgetting = set(expiring)

    def worth(item: tuple[int, Question]) -> tuple[int, int, int]:
        position, question = item
        day = question.period.first.toordinal()
        if question.period.first <= newest <= question.period.last:
            return (0, 0, position)
        if (question.endpoint, question.level) in forgetting:
            return (1, day, position)
        return (2, -day, position)

    questions = dict.fromkeys(question for each in needs for question in each.due)
    return [question for _, question in sorted(enumerate(questions), key=worth)]
