from __future__ import annotations

import ast
import random
import sys
from pathlib import Path

from aps_pipeline import simulator
from aps_pipeline.simulator import Fleet, Simulator, healthy_fleet
from aps_pipeline.simulator.weather import digest
from aps_pipeline_tests.simulator.caller import PREFIX, data, frozen, signed


def requests() -> list[str]:
    fleet = healthy_fleet()
    targets = []
    for system in fleet.systems:
        ecu = system.ecus[0].request_id
        inverter = system.ecus[0].inverters[0].uid
        targets += [
            f"details/{system.sid}",
            f"energy/{system.sid}?energy_level=daily&date_range=2025-06",
            f"energy/{system.sid}?energy_level=hourly&date_range=2025-10-26",
            f"{system.sid}/devices/ecu/energy/{ecu}?energy_level=minutely&date_range=2025-06-01",
            f"{system.sid}/devices/meter/period/{ecu}?energy_level=minutely&date_range=2025-06-01",
            f"{system.sid}/devices/inverter/batch/energy/{ecu}?energy_level=power&date_range=2025-06-01",
            f"{system.sid}/devices/inverter/energy/{inverter}?energy_level=minutely&date_range=2025-06-01",
        ]
    return [PREFIX + target for target in [*targets, "summary/AZ24419C3DFF"]]


def bodies(targets: list[str], seed: int = 1) -> dict[str, bytes]:
    sim = Simulator(now=frozen, seed=seed)
    return {target: sim.reply("GET", target, signed(sim, target)).body for target in targets}


def test_the_same_seed_gives_the_same_bytes_in_any_order() -> None:
    targets = requests()
    expected = bodies(targets)
    random.Random(7).shuffle(targets)
    assert bodies(targets) == expected


def test_another_seed_gives_other_energies() -> None:
    details, *others = requests()[:6]
    one, two = bodies([details, *others]), bodies([details, *others], seed=2)
    assert one[details] == two[details]
    assert all(one[target] != two[target] for target in others)


def test_a_system_does_not_depend_on_the_rest_of_the_fleet(sim: Simulator) -> None:
    alone = Simulator(fleet=Fleet(healthy_fleet().systems[1:2]), now=frozen)
    asked = ("energy/C12263D8840175AF", "hourly", "2025-06-01")
    assert data(alone, *asked) == data(sim, *asked)


def test_the_values_are_the_same_on_every_machine(sim: Simulator) -> None:
    assert digest(1, "sky", "A0E1253B7C9D4F60", "2025-07-20") == 158490955255528353962860713338288491322
    week = data(sim, "energy/A0E1253B7C9D4F60", "daily", "2025-07")[:7]
    assert week == ["33.99", "2.61", "4.13", "16.73", "32.79", "24.96", "25.07"]


def test_it_imports_nothing_of_the_client() -> None:
    allowed = {"numpy", "__future__", *sys.stdlib_module_names}
    for source in Path(simulator.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                ours = f"{name}.".startswith("aps_pipeline.simulator.") or name == "aps_pipeline.periods"
                assert ours or name.split(".")[0] in allowed, f"{source.name}: {name}"
