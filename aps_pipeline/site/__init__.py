"""What an owner says of a site: the roof, where it is, and what energy costs. None of it is required.

Where do I go to …?
    see what a roof file may say    `roof`
    see what a tariff file may say  `tariffs`
    see how such a file is read     `files`
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from aps_pipeline.site.roof import PlacedPanel, Roof, RoofSystem, list_placed_panels, read_roof_file
from aps_pipeline.site.tariffs import Tariff, Tariffs, read_tariff_file

__all__ = [
    "PlacedPanel",
    "Roof",
    "RoofSystem",
    "Site",
    "Tariff",
    "Tariffs",
    "list_placed_panels",
    "read_roof_file",
    "read_tariff_file",
]


@dataclass(frozen=True)
class Site:
    """What is said of all sites."""

    roof: Roof = field(default_factory=Roof)
    tariffs: Tariffs = field(default_factory=Tariffs)

    @property
    def digest_text(self) -> str:
        """All that it says, as one text: equal for equal content."""
        said = {"roof": self.roof.model_dump(mode="json"), "tariffs": self.tariffs.model_dump(mode="json")}
        return json.dumps(said, sort_keys=True)
