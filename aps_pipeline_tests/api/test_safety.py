"""What must never happen: a redirect followed, a certificate not checked, a secret shown."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aps_pipeline.api import Answer, ApsError, Client, Credentials, check_base_url
from aps_pipeline.api import errors as e
from aps_pipeline.api.auth import sign
from aps_pipeline_tests.api.asking import ID, SECRET, Diary, outcome
from aps_pipeline_tests.api.fake import envelope, http, says, serving

TOKEN = "visitor-token-1"


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key for 127.0.0.1 that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*command, *names], cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.mark.parametrize("variable", ["", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONHTTPSVERIFY"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    self_signed: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, "0" if variable.startswith("PYTHON") else str(self_signed))
    diary = Diary()
    with serving(says(http(envelope(0, []))), certificate=self_signed) as server:
        found = outcome(server.url, diary)
        assert not server.requests, "the signature must not reach it"
    assert type(found) is e.NotSentError and "certificate" in str(found)


def test_proxies_and_passwords_of_the_environment_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hush\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serving(says(http(envelope(0, [])))) as proxy, serving(says(http(envelope(0, [])))) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(outcome(server.url), Answer)
        assert not proxy.requests and "authorization" not in server.headers()


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_is_not_followed(status: str) -> None:
    with serving(says(http(envelope(0, [])))) as other:
        redirect = http(b"", status, f"Location: {other.url}/user/api/v2/systems/energy/S1")
        diary = Diary()
        with serving(says(redirect)) as server:
            found = outcome(server.url, diary)
        assert type(found) is e.RedirectedError and diary.attempts == 1
        assert not other.requests and not other.connections
        assert other.url not in str(found)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.apsystemsema.com:9282",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "//host",
        "host:9282",
        "",
        "https://",
        "https://user@host",
        "https://user:hush@host",
        "https://:hush@host",
        "https://user:hush@",
        "https://host/?x=1",
        "https://host/#x",
        "https://host:port",
        "https://host:99999",
        "https://[::1",
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011, RUF100
        Client(url, "/user/api/v2", Credentials(ID, SECRET))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://api.apsystemsema.com:9282", "https://api.apsystemsema.com:9282"),
        ("https://host/prefix/", "https://host/prefix"),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_an_address_that_is_safe(url: str, clean: str) -> None:
    assert check_base_url(url) == clean


def _escaped(text: str) -> str:
    """As a server may spell it that escapes whatever it can."""
    return "".join(f"\\u{ord(c):04X}" if n % 3 else ("\\/" if c == "/" else c) for n, c in enumerate(text))


def _body(kind: str, code: int, signature: str) -> bytes:
    """A body that tells every secret there is."""
    said = f"{SECRET} {signature}"
    text = json.dumps({"code": code, "msg": said, "data": {"authorization_code": TOKEN, "x": [said]}})
    if kind == "escaped":
        text = text.replace(SECRET, _escaped(SECRET)).replace(signature, _escaped(signature))
    if kind == "slashes":
        text = text.replace("/", "\\/").replace("=", "\\u003d").replace("+", "\\u002B")
    return (text[:-3] if kind == "cut off" else f"<html>{said}" if kind == "page" else text).encode()


@pytest.mark.parametrize("code", [0, 4000, 5000, 2004])
@pytest.mark.parametrize("kind", ["plain", "escaped", "slashes", "cut off", "page"])
def test_no_secret_comes_out_of_an_echo(kind: str, code: int) -> None:
    signatures: list[str] = []

    def echo(connection: object, request: bytes) -> None:
        lines = dict(line.split(": ", 1) for line in request.decode().split("\r\n") if ": " in line)
        signatures.append(lines["X-CA-Signature"])
        connection.sendall(http(_body(kind, code, signatures[-1])))  # type: ignore[attr-defined]

    with serving(echo) as server:
        found = outcome(server.url)
    kept = (found.text if isinstance(found, Answer) else found.body) or ""
    shown = [kept, str(found), repr(found)]
    spelled = [json.loads(kept)] if kind not in ("cut off", "page") else []
    for text in (*shown, *map(str, spelled)):
        for secret in (SECRET, TOKEN, *signatures):
            assert secret not in text
    assert signatures and (isinstance(found, ApsError) or code == 0)


def test_credentials_do_not_show_the_secret() -> None:
    credentials = Credentials(ID, SECRET)
    for shown in (repr(credentials), str(credentials), f"{credentials}", repr([credentials])):
        assert SECRET not in shown and ID in shown
    assert SECRET not in sign(credentials, "/x", "1", "2")
    assert base64.b64encode(SECRET.encode()).decode() not in repr(credentials)


def test_errors_of_a_dead_connection_do_not_show_secrets() -> None:
    found = outcome("http://127.0.0.1:9")
    assert isinstance(found, ApsError)
    for shown in (str(found), repr(found), str(found.__cause__), str(found.__context__)):
        assert SECRET not in shown and "X-CA" not in shown
    assert os.environ.get("APS_APP_SECRET") is None
