"""An APsystems OpenAPI to run against, with no account: strict, awkward, and the same on every machine.

Where do I go to …
    describe systems, inverters, dead panels?   fleet.py, as JSON fleet_file.py; ready: demo.py, awkward.py
    say where its panels are, and prices?       roof.py
    let the inventory change with time?         fleet.py: `since`, `until`, `listed`, `capacity_changes`
    change what the sun or the sky does?        sun.py, weather.py
    see how slots become hours, days, months?   slots.py → production.py → history.py
    change what an endpoint answers?            routes.py → asking.py → answers.py, energies.py, telemetry.py
    change how numbers look?                    printing.py; other dialects of the API quirks.py
    sign, count, refuse, break?                 signature.py, limits.py, faults.py, replies.py
    let several accounts ask?                   accounts.py
    put it on a port?                           service.py (`Simulator`), server.py

It is the other side: it imports nothing of the client but `periods`.
"""

from aps_pipeline.simulator.accounts import Account, dealt
from aps_pipeline.simulator.awkward import awkward_fleet
from aps_pipeline.simulator.demo import NAMES, demo_fleet, healthy_fleet
from aps_pipeline.simulator.faults import Fault
from aps_pipeline.simulator.fleet import Fleet, FleetError
from aps_pipeline.simulator.fleet_file import load_fleet
from aps_pipeline.simulator.limits import Counts
from aps_pipeline.simulator.roof import roof_of, tariffs_of
from aps_pipeline.simulator.server import MARK
from aps_pipeline.simulator.service import Simulator

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
    "dealt",
    "demo_fleet",
    "healthy_fleet",
    "load_fleet",
    "roof_of",
    "tariffs_of",
]
