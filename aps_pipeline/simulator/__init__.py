"""An APsystems OpenAPI to run against, with no account: strict, awkward, and the same on every machine.

Where do I go to …
    describe systems, inverters, dead panels?   fleet.py, also from JSON; demo.py has one ready, awkward.py
    describe where its panels are, and prices?  demo.py
    let the inventory change with time?         fleet.py: `since`, `until`, `listed`, `capacity_changes`
    change what the sun or the sky does?        weather.py
    see how slots become hours, days, months?   production.py → history.py
    change what an endpoint answers?            request.py → replies.py, energies.py, telemetry.py
    change how numbers look?                    printing.py, also for other dialects of the API
    sign, count, refuse?                        accounts.py, also for several accounts
    break?                                      faults.py, replies.py
    put it on a port?                           service.py (`Simulator`), server.py

It is the other side: it imports nothing of the client but `periods`.
"""

from aps_pipeline.simulator.accounts import Account, Counts, split_accounts
from aps_pipeline.simulator.awkward import awkward_fleet
from aps_pipeline.simulator.demo import NAMES, demo_fleet, healthy_fleet, roof_of, tariffs_of
from aps_pipeline.simulator.faults import Fault
from aps_pipeline.simulator.fleet import Fleet, FleetError, load_fleet
from aps_pipeline.simulator.server import MARK
from aps_pipeline.simulator.service import Simulator, serving_apart

__all__ = [
    "MARK",
    "NAMES",
    "Account",
    "Counts",
    "Fault",
    "Fleet",
    "FleetError",
    "Simulator",
    "awkward_fleet",
    "demo_fleet",
    "healthy_fleet",
    "load_fleet",
    "roof_of",
    "serving_apart",
    "split_accounts",
    "tariffs_of",
]
