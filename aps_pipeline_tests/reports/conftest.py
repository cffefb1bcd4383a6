"""The plant of the warehouse's tests, to make pages of."""

from __future__ import annotations

from aps_pipeline_tests.warehouse.conftest import plant, shared_plant

__all__ = ["plant", "shared_plant"]
