"""What `dagster dev -w workspace.yaml` loads. That reads the settings, but opens no ledger and no network."""

from __future__ import annotations

from aps_pipeline.config import load_settings
from aps_pipeline.orchestration.code_location import definitions_of
from aps_pipeline.orchestration.resources import Access
from aps_pipeline.tables import PROFILES

_settings = load_settings()
defs = definitions_of(_settings.start_date, Access(), PROFILES[_settings.profile])
