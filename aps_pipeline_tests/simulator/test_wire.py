"""What a client sees on the socket: transport, every kind of fault, and a clean end."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from email.utils import parsedate_to_datetime

import pytest

from aps_pipeline.simulator import Fault, Simulator
from aps_pipeline.simulator.server import open_server
from aps_pipeline_tests.simulator.caller import NOW, PREFIX, code, frozen, get, signed

SID = "A0E1253B7C9D4F60"
DETAILS = f"details/{SID}"
HOURLY = f"energy/{SID}?energy_level=hourly&date_range=2025-07-20"


def test_gzip_and_chunks_for_those_who_ask(fresh: Simulator, url: str) -> None:
    plain, plain_body = get(fresh, url, HOURLY)
    packed, packed_body = get(fresh, url, HOURLY, {"Accept-Encoding": "gzip, deflate"})
    assert plain_body == packed_body
    assert json.loads(plain_body)["code"] == 0
    assert plain.headers["Content-Length"] == str(len(plain_body))
    assert (packed.headers["Content-Encoding"], packed.headers["Transfer-Encoding"]) == ("gzip", "chunked")
    assert get(fresh, url, HOURLY, {"Accept-Encoding": "gzip;q=0"})[0].headers["Content-Encoding"] is None


def test_every_answer_is_marked_and_dated(fresh: Simulator, url: str) -> None:
    fresh.faults.append(Fault("http502", times=1))
    for path in (DETAILS, DETAILS, "nowhere"):
        response, _ = get(fresh, url, path)
        assert response.headers["X-APS-Simulator"] == "1"
        assert parsedate_to_datetime(response.headers["Date"]) == NOW


def test_the_type_is_sometimes_wrong(fresh: Simulator, url: str) -> None:
    days = [f"energy/{SID}?energy_level=hourly&date_range=2025-07-{day:02d}" for day in range(1, 32)]
    types = [get(fresh, url, day)[0].headers["Content-Type"].partition(";")[0] for day in days]
    assert set(types) == {"application/json", "application/octet-stream"}
    assert types.count("application/octet-stream") < 12


def test_a_connection_is_kept(fresh: Simulator, url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    locals_seen = set()
    for _ in range(3):
        connection.request("GET", PREFIX + DETAILS, headers=signed(fresh, PREFIX + DETAILS))
        connection.getresponse().read()
        locals_seen.add(connection.sock.getsockname())
    connection.close()
    assert len(locals_seen) == 1


@pytest.mark.parametrize("method", ["POST", "BREW", "HEAD"])
def test_other_methods_get_405(fresh: Simulator, url: str, method: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    connection.request(method, PREFIX + DETAILS, body=b"{}" if method == "POST" else None)
    response = connection.getresponse()
    response.read()
    connection.close()
    assert (response.status, response.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff%ff%00?%zz=&&;=\xfe HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_does_not_stop_it(fresh: Simulator, url: str, nonsense: bytes) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(nonsense)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
    assert get(fresh, url, DETAILS)[0].status == 200


def faulty(
    fresh: Simulator, url: str, spec: str, path: str = DETAILS
) -> tuple[http.client.HTTPResponse, bytes]:
    fresh.faults.append(Fault.parse(spec))
    return get(fresh, url, path)


@pytest.mark.parametrize("wanted", [1000, 1001, 2005, 3001, 4000, 5000, 6000, 7003])
def test_fault_api_code(fresh: Simulator, url: str, wanted: int) -> None:
    response, body = faulty(fresh, url, str(wanted))
    assert (response.status, json.loads(body)["code"]) == (200, wanted)


def test_fault_http_status(fresh: Simulator, url: str) -> None:
    response, body = faulty(fresh, url, "http500")
    assert (response.status, response.reason) == (500, "Internal Server Error")
    assert body.startswith(b"<html>")


def test_fault_html(fresh: Simulator, url: str) -> None:
    response, body = faulty(fresh, url, "html")
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html;charset=utf-8")
    assert body.startswith(b"<html>")


def test_fault_truncate(fresh: Simulator, url: str) -> None:
    with pytest.raises(http.client.IncompleteRead) as broken:
        faulty(fresh, url, "truncate")
    assert broken.value.expected


def test_fault_badjson(fresh: Simulator, url: str) -> None:
    _, body = faulty(fresh, url, "badjson")
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


@pytest.mark.parametrize(("spec", "length"), [("short", 23), ("long", 25)])
def test_fault_of_length(fresh: Simulator, url: str, spec: str, length: int) -> None:
    assert len(json.loads(faulty(fresh, url, spec, HOURLY)[1])["data"]) == length
    path = f"{SID}/devices/ecu/energy/216200041835?energy_level=minutely&date_range=2025-07-20"
    data = json.loads(get(fresh, url, path)[1])["data"]
    assert len(data["time"]) == len(data["energy"]) + length - 24, "lists out of step"


def test_fault_slow_and_latency(fresh: Simulator) -> None:
    waited: list[float] = []
    fresh.faults.append(Fault.parse("slow:2.5*1"))
    fresh.latency = 0.25
    target = PREFIX + DETAILS
    for _ in range(2):
        assert fresh.reply("GET", target, signed(fresh, target), waited.append).code == 0
    assert waited == [2.75, 0.25]


def test_fault_slow_on_the_wire(fresh: Simulator, url: str) -> None:
    started = time.monotonic()
    assert faulty(fresh, url, "slow:0.2")[0].status == 200
    assert time.monotonic() - started >= 0.2


def test_fault_drip(fresh: Simulator, url: str) -> None:
    fresh.faults.append(Fault("drip", seconds=0.002))
    host, port = url.removeprefix("http://").split(":")
    headers = "".join(f"{name}: {text}\r\n" for name, text in signed(fresh, PREFIX + DETAILS).items())
    pieces = []
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"GET {PREFIX}{DETAILS} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n".encode())
        while piece := raw.recv(65_536):
            pieces.append(piece)
    assert len(pieces) > 50
    assert json.loads(b"".join(pieces).partition(b"\r\n\r\n")[2])["code"] == 0


def test_fault_reset(fresh: Simulator, url: str) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        faulty(fresh, url, "reset")
    assert fresh.counts.total == 1, "the call was made all the same"


def test_fault_redirect(fresh: Simulator, url: str) -> None:
    response, _ = faulty(fresh, url, "redirect")
    assert response.status == 302
    assert response.headers["Location"] == f"http://elsewhere.invalid{PREFIX}{DETAILS}"


def test_fault_huge(fresh: Simulator, url: str) -> None:
    fresh.faults.append(Fault("huge"))
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    connection.request("GET", PREFIX + DETAILS, headers=signed(fresh, PREFIX + DETAILS))
    packed = connection.getresponse().read()
    connection.close()
    assert len(packed) < 1_000_000
    unpacker, size = zlib.decompressobj(wbits=31), 0
    piece = unpacker.decompress(packed, 1 << 20)
    while piece:
        size += len(piece)
        piece = unpacker.decompress(unpacker.unconsumed_tail, 1 << 20)
    assert size > 64 << 20


def test_fault_otherid(fresh: Simulator, url: str) -> None:
    _, body = faulty(fresh, url, "otherid")
    assert json.loads(body)["data"]["sid"] == "C12263D8840175AF"
    assert code(fresh, HOURLY) == 0


def test_a_fault_hits_only_what_it_is_meant_for(fresh: Simulator) -> None:
    fresh.faults.append(Fault.parse("6000@system_energy/hourly~2025-07*2"))
    hourly = [("2025-06-30", 0), ("2025-07-01", 6000), ("2025-07-02", 6000), ("2025-07-03", 0)]
    assert code(fresh, f"energy/{SID}", "daily", "2025-07") == 0
    assert code(fresh, f"{SID}/devices/ecu/energy/216200041835", "hourly", "2025-07-01") == 0
    for day, expected in hourly:
        assert code(fresh, f"energy/{SID}", "hourly", day) == expected
    fresh.faults.append(Fault("5000", endpoint="details/C12263D8840175AF"))
    assert code(fresh, DETAILS) == 0
    assert code(fresh, "details/C12263D8840175AF") == 5000
    assert len(fresh.faults) == len(list(fresh.faults)) == 2
    fresh.faults.clear()
    assert code(fresh, "details/C12263D8840175AF") == 0


def test_a_share_of_the_calls_is_hit_the_same_every_time() -> None:
    def run(seed: int) -> list[int]:
        sim = Simulator(now=frozen, seed=seed, faults=[Fault.parse("5000:0.05"), Fault.parse("7002:0.1")])
        return [code(sim, DETAILS) for _ in range(1_000)]

    codes = run(1)
    assert codes == run(1) != run(2)
    assert 30 < codes.count(5000) < 75
    assert 65 < codes.count(7002) < 130


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("5000", Fault("5000")),
        ("5000:0.05", Fault("5000", 0.05)),
        ("http503@inverter_batch/power", Fault("http503", endpoint="inverter_batch/power")),
        ("short:0.5~2025-07*3", Fault("short", 0.5, date_range="2025-07", times=3)),
        ("slow:2", Fault("slow", seconds=2)),
        ("slow:2:0.1@ecu", Fault("slow", 0.1, endpoint="ecu", seconds=2)),
    ],
)
def test_a_fault_in_words(spec: str, fault: Fault) -> None:
    assert Fault.parse(spec) == fault


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "0",
        "5001",
        "http200",
        "fire",
        "5000:2",
        "5000:-1",
        "5000:x",
        "5000:nan",
        "5000:1:1",
        "slow",
        "slow:inf",
        "html*x",
        "²",
    ],
)
def test_a_fault_that_is_none(spec: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        Fault.parse(spec)


def test_stopping_ends_idle_and_slow_connections(fresh: Simulator) -> None:
    fresh.faults.append(Fault("slow", seconds=60))
    target = PREFIX + DETAILS
    before = threading.active_count()
    with fresh.serving() as url:
        host, port = url.removeprefix("http://").split(":")
        idle = socket.create_connection((host, int(port)), timeout=5)
        slow = http.client.HTTPConnection(host, int(port), timeout=5)
        slow.request("GET", target, headers=signed(fresh, target))
        while not fresh.counts.total:
            threading.Event().wait(0.005)
        started = time.monotonic()
    assert time.monotonic() - started < 4
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises((http.client.HTTPException, OSError)):
        slow.getresponse()
    slow.close()
    assert threading.active_count() == before
    with pytest.raises(OSError):
        socket.create_connection((host, int(port)), timeout=1)


def test_ctrl_c_ends_it_quietly() -> None:
    program = (
        "import signal\n"
        "from aps_pipeline.simulator import Simulator\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where tests run in background
        "Simulator().serve_forever(0, lambda url: print(url, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 0


def test_it_can_be_served_again_and_twice(fresh: Simulator) -> None:
    for _ in range(2):
        with fresh.serving() as one, fresh.serving() as two:
            assert one != two
            assert get(fresh, one, DETAILS)[1] == get(fresh, two, DETAILS)[1]


def test_it_listens_on_loopback_only(fresh: Simulator) -> None:
    with pytest.raises(ValueError, match="loopback"), open_server(fresh, 0, "0.0.0.0"):
        pass
    with pytest.raises(ValueError, match="port"), fresh.serving(70_000):
        pass


def test_gzip_is_the_same_every_time(fresh: Simulator, url: str) -> None:
    raws = []
    for _ in range(2):
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        headers = {**signed(fresh, PREFIX + HOURLY), "Accept-Encoding": "gzip"}
        connection.request("GET", PREFIX + HOURLY, headers=headers)
        raws.append(connection.getresponse().read())
        connection.close()
    assert raws[0] == raws[1]
    assert json.loads(gzip.decompress(raws[0]))["code"] == 0
