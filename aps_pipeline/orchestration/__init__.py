"""Dagster, thin: what it shows and when it runs. Everything it does is a use-case of the packages below.

Where do I go to …?
    see what is defined                     `code_location.py`, loaded by `definitions.py`
    know which partitions there are         `partitions.py`
    change what an asset looks like         `assets.py`: one factory over `tables.TABLES`
    change what a run does and reports      `collecting.py`; what a failure says: `failures.py`
    change what is refreshed, and when      `jobs.py`, `schedules.py`
    change how history is completed         `autopilot.py`, `spending.py`
    check the warehouse                     `checks.py`
    give the assets other settings          `resources.py`
    keep Dagster's own data                 `home.py`, `dagster.yaml`, `storage.py`
    try it without an account               `demo.py` (`make demo`), `dev.py` (`make dev`)

Only this package imports dagster.
"""
