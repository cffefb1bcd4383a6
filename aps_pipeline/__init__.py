"""Own your APsystems history: every call kept, every table rebuilt from it.

Where do I go to …?

    change what a setting means            config.py, and of an account accounts.py
    work with days, zones, DST             periods.py
    call the API, or name an error         api/
    ask what was called, or about quota    ledger/
    read a body                            parse/
    add a table or describe a column       tables/
    store or find a partition              lake/
    decide which calls are missing         planning/
    follow a run from start to end         ingest/pipeline.py
    write a mart or a check                warehouse/sql, warehouse/checks
    run against no account                 simulator/
    see it in Dagster                      orchestration/
    add a command                          cli/

One way, no step back: API, ledger, parse, lake, warehouse. `make check` holds the packages to it.
"""
