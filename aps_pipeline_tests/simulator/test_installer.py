"""An installer's key asks the same requests under a prefix of its own."""

from __future__ import annotations

import json

import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline.simulator.request import ENDPOINTS
from aps_pipeline_tests.simulator.caller import PREFIX, frozen, get, signed
from aps_pipeline_tests.simulator.test_endpoints import EID, SID, UID, path

THEIRS = "/installer/api/v2"
LEVELS = {
    "system_energy": ("hourly", "daily", "monthly", "yearly"),
    **dict.fromkeys(
        ("ecu_energy", "meter_period", "inverter_energy"),
        ("minutely", "hourly", "daily", "monthly", "yearly"),
    ),
    "inverter_batch": ("energy", "power"),
}
DATES = {"daily": "2025-10", "monthly": "2025", "yearly": ""}
QUESTIONS = [(endpoint, level) for endpoint in ENDPOINTS for level in LEVELS.get(endpoint, ("",))]


@pytest.fixture(scope="module")
def installer(sim: Simulator) -> Simulator:
    other = Simulator(now=frozen, prefix=THEIRS)
    other.history = sim.history
    return other


def target(endpoint: str, level: str, sid: str = SID) -> str:
    query = f"?energy_level={level}&date_range={DATES.get(level, '2025-10-26')}" if level else ""
    return PREFIX + path(endpoint, sid, EID, UID) + query


def test_every_endpoint_and_level_is_asked() -> None:
    assert len(QUESTIONS) == 7 + 4 + 3 * 5 + 2


@pytest.mark.parametrize(("endpoint", "level"), QUESTIONS)
def test_an_installer_is_told_what_the_owner_is(
    sim: Simulator, installer: Simulator, endpoint: str, level: str
) -> None:
    owners = target(endpoint, level)
    theirs = owners.replace("/user/", "/installer/")
    answers = [
        json.loads(s.reply("GET", t, signed(s, t)).body) for s, t in ((sim, owners), (installer, theirs))
    ]
    assert answers[0] == answers[1]
    assert answers[0]["code"] == 0


@pytest.mark.parametrize(("endpoint", "level"), QUESTIONS)
def test_the_prefix_of_another_key_is_a_page_that_is_not_there(
    sim: Simulator, installer: Simulator, endpoint: str, level: str
) -> None:
    owners = target(endpoint, level)
    for s, wrong in ((sim, owners.replace("/user/", "/installer/")), (installer, owners)):
        reply = s.reply("GET", wrong, signed(s, wrong))
        assert (reply.status, reply.code) == (404, None)
        assert reply.body.startswith(b"<html>")


def test_an_installer_sees_every_system_of_the_account_and_no_other(installer: Simulator) -> None:
    for sid, expected in (*((s, 0) for s in installer.fleet.system_ids), ("X000000000000000", 2004)):
        asked = target("system_details", "", sid).replace("/user/", "/installer/")
        assert installer.reply("GET", asked, signed(installer, asked)).code == expected


def test_a_wrong_signature_is_refused_under_either_prefix(installer: Simulator) -> None:
    asked = target("system_details", "").replace("/user/", "/installer/")
    assert installer.reply("GET", asked, signed(installer, asked, secret="other")).code == 4000


def test_over_the_wire(installer: Simulator) -> None:
    with installer.serving() as url:
        assert get(installer, url, f"details/{SID}")[0].status == 404
        response, raw = get(installer, url, f"details/{SID}", prefix=f"{THEIRS}/systems/")
        assert (response.status, json.loads(raw)["data"]["sid"]) == (200, SID)


def test_there_are_two_prefixes() -> None:
    with pytest.raises(ValueError, match="prefix"):
        Simulator(prefix="/api")
