"""Dagster, thin: what it shows and when it runs. Everything it does is a use-case of the packages below.

Where do I go to …?
    see what is defined                     `definitions.py`
    know which partitions there are         `partitions.py`
    change what an asset or a check is      `assets.py`: one factory over `tables.TABLES`
    change what a run does and reports      `materialize.py`, also what a failure says
    change what is refreshed, and when      `jobs.py`
    change how history is completed         `autopilot.py`
    make reports, send alerts               `reports.py`
    give the assets other settings          `resources.py`
    keep Dagster's own data                 `home.py`, `dagster.yaml`, `storage.py`
    try it without an account               `demo.py` (`make demo`), `dev.py` (`make dev`), `simulated.py`

Only this package imports dagster.
"""
