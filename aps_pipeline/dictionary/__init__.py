"""The data dictionary: what every table, mart and check means, with rows of a small simulated plant.

`make docs` writes docs/data-dictionary.md; a test fails when it is stale.

Where do I go to …?
    say what a table or a column means      tables/, or the header of the mart in warehouse/sql
    word a caveat                           tables/caveats.py
    change a query for newcomers            `queries`
    change the plant that is shown          `sample`
    change the page                         `page`, `markdown`
    change how settings are explained       `settings`, the words in config.py and accounts.py
"""

from __future__ import annotations

from aps_pipeline.dictionary.page import page
from aps_pipeline.dictionary.sample import QUERIES, Query, build_sample

__all__ = ["QUERIES", "Query", "build_sample", "page"]
