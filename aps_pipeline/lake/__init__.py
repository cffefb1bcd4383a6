"""How tables are stored: one partition, one directory, one Parquet file, one atomic write.

`lake/core/<table>/date=2024-03-05/part-0.parquet`, Hive style, on local disk or `s3://` through pyarrow.fs.
What the columns mean is declared in `tables`; which calls to make is decided in `ingest`.
"""

from __future__ import annotations

from aps_pipeline.lake.listing import LakeState
from aps_pipeline.lake.store import Lake, StorageError
from aps_pipeline.lake.validate import FileFault, InvalidRowsError

__all__ = ["FileFault", "InvalidRowsError", "Lake", "LakeState", "StorageError"]
