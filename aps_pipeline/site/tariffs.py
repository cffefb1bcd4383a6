"""The tariff file: what energy from and to the grid costs, since when, and the CO2 that it stands for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from aps_pipeline.site.files import StrictModel, read_file
from aps_pipeline.site.roof import Id, Text

Price = Annotated[float, Field(ge=-100, le=10_000, allow_inf_nan=False)]


class Tariff(StrictModel):
    """Prices from `since` on, per kWh and per day, of those systems, or of all others where none is named."""

    systems: Annotated[tuple[Id, ...], Field(strict=False, min_length=1)] | None = None
    since: Annotated[date, Field(alias="from")]
    import_price: Price
    feed_in_price: Price
    standing_charge: Price | None = None


class Tariffs(StrictModel):
    """Everything that a tariff file says; `co2_kg_per_kwh` is of the grid energy that was not needed."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    co2_kg_per_kwh: Annotated[float, Field(ge=0, le=5)] | None = None
    co2_source: Text | None = None
    tariffs: Annotated[tuple[Tariff, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.tariffs and self.currency is None:
            raise ValueError("say the currency of the prices, such as EUR")
        first: dict[tuple[str, date], int] = {}
        for number, each in enumerate(self.tariffs, 1):
            for system in each.systems or ("",):
                if first.setdefault((system, each.since), number) != number:
                    other = first[system, each.since]
                    raise ValueError(
                        f"two tariffs of one system begin on one day: entries {other} and {number}"
                    )
        return self


def read_tariff_file(path: Path) -> Tariffs:
    """Read a tariff file. Raises ValueError, which names the file, the place and what is wrong."""
    return read_file(path, Tariffs)
