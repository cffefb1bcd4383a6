"""A server on loopback that says exactly the bytes of a script, and remembers what it was asked."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path

Script = Callable[[socket.socket, bytes], None]
"""What is done with a connection once a request has been read."""


def envelope(code: int, data: object = None, **more: object) -> bytes:
    return json.dumps({"code": code, "data": data} | more).encode()


def http(
    body: bytes, status: str = "200 OK", *headers: str, length: int | None = None, close: bool = False
) -> bytes:
    """A whole answer; `length` may lie."""
    size = len(body) if length is None else length
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {size}",
        f"Date: {formatdate(usegmt=True)}",
        *headers,
        *(["Connection: close"] if close else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(answer: bytes) -> Script:
    """Send it and wait for the next request."""
    return lambda connection, _request: connection.sendall(answer)


def breaks_off(answer: bytes) -> Script:
    """Send it and close."""

    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def resets(connection: socket.socket, _request: bytes) -> None:
    """Close with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drips(head: bytes, piece: bytes, pause: float = 0.02, times: int = 500) -> Script:
    """Send the head, then a piece now and then."""

    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(head)
        for _ in range(times):
            time.sleep(pause)
            connection.sendall(piece)
        connection.close()

    return script


def gzipped(body: bytes) -> bytes:
    return http(gzip.compress(body, 9), "200 OK", "Content-Encoding: gzip")


class FakeServer:
    """Plays the scripts in turn, one a request, and the last one for ever."""

    def __init__(self, scripts: Sequence[Script], certificate: Path | None = None) -> None:
        self.scripts = list(scripts)
        self.requests: list[bytes] = []
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.connections: list[socket.socket] = []
        self._wrapped: list[socket.socket] = []
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._socket, *self.connections, *self._wrapped):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections.append(connection)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._wrapped.append(connection)
            while request := self._request(connection):
                self.requests.append(request)
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                script(connection, request)
        connection.close()

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        found = b""
        while not found.endswith(b"\r\n\r\n"):
            more = connection.recv(65536)
            if not more:
                return b""
            found += more
        return found

    def headers(self, number: int = -1) -> dict[str, str]:
        """The headers of a request, by lower-case name."""
        lines = self.requests[number].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}


@contextmanager
def serving(*scripts: Script, certificate: Path | None = None) -> Iterator[FakeServer]:
    server = FakeServer(scripts, certificate)
    try:
        yield server
    finally:
        server.close()
