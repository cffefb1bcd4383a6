"""Serve the simulated API over HTTP, with numbers printed as the API prints them."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any, cast

from aps_pipeline.simulator.replies import Delivery, Reply

if TYPE_CHECKING:
    from aps_pipeline.simulator.service import Simulator

HOST = "127.0.0.1"
MARK = ("X-APS-Simulator", "1")

_CHUNK = 16_384


@contextmanager
def open_server(service: Simulator, port: int, host: str = HOST) -> Iterator[Server]:
    """Accept connections on that port, 0 for a free one, until the context ends.

    Raises ValueError for a host that is not loopback or no port at all, OSError for a port that is taken.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"the simulator listens on loopback only, not on {host}")
    if not 0 <= port <= 65_535:
        raise ValueError(f"a port is 0 to 65535, not {port}")
    server = Server((host, port), service)
    try:
        yield server
    finally:
        server.close()


class Server(ThreadingHTTPServer):
    """One thread for each connection; all of them end with the server."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], service: Simulator) -> None:
        self.service = service
        self.stopping = Event()
        self._lock = Lock()
        self._connections: dict[socket.socket, Thread] = {}
        super().__init__(address, Handler)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def close(self) -> None:
        """End every connection, whatever it is doing, and free the port."""
        self.stopping.set()
        self.server_close()
        with self._lock:
            open_now = dict(self._connections)
        for connection, thread in open_now.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(5)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection from its first to its last request."""
        with self._lock:
            self._connections[request] = current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that goes away; show anything else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Reads requests, and writes replies in as few packets as they need."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    server: Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        # Every method is ours to answer, not just those with a name here.
        if name.startswith("do_"):
            return self._respond
        raise AttributeError(name)

    def end_headers(self) -> None:
        """Mark the answers of the library, too, as simulated."""
        self.send_header(*MARK)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet: a log line costs as much as an answer."""

    def _respond(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # nobody reads that body
        stopping = self.server.stopping
        headers = cast("Mapping[str, str]", self.headers)
        reply = self.server.service.reply(self.command, self.path, headers, stopping.wait)
        if stopping.is_set() or reply.delivery is Delivery.NOT:
            self.close_connection = True
            return
        if self.command == "HEAD":
            self.wfile.write(self._head(reply, {"Content-Length": "0"}))
        elif reply.delivery is Delivery.TRUNCATED:
            self.close_connection = True
            head = self._head(reply, {"Content-Length": str(len(reply.body) + 512)})
            self.wfile.write(head + reply.body)
        elif reply.delivery is Delivery.DRIPPING:
            self._drip(reply)
        elif reply.delivery is Delivery.GZIPPED:
            self._send_chunks(reply, reply.body)
        elif self._takes_gzip():
            self._send_chunks(reply, gzip.compress(reply.body, 1, mtime=0))
        else:
            self.wfile.write(self._head(reply, {"Content-Length": str(len(reply.body))}) + reply.body)

    def _takes_gzip(self) -> bool:
        offers = [offer.replace(" ", "") for offer in self.headers.get("Accept-Encoding", "").split(",")]
        gzipped = any(o == "gzip" or (o.startswith("gzip;q=") and o != "gzip;q=0") for o in offers)
        return gzipped and self.request_version == "HTTP/1.1"

    def _send_chunks(self, reply: Reply, packed: bytes) -> None:
        chunks = [packed[start : start + _CHUNK] for start in range(0, len(packed), _CHUNK)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        headers = {"Content-Encoding": "gzip", "Transfer-Encoding": "chunked", "Vary": "Accept-Encoding"}
        self.wfile.write(self._head(reply, headers) + framed + b"0\r\n\r\n")

    def _drip(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply, {"Content-Length": str(len(reply.body))}))
        for n in range(len(reply.body)):
            if self.server.stopping.wait(reply.drip_seconds):
                self.close_connection = True
                return
            self.wfile.write(reply.body[n : n + 1])

    def _head(self, reply: Reply, more: dict[str, str]) -> bytes:
        """Build status line and headers, with the date of the clock that signatures are checked by."""
        lines = [
            f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Unknown')}",
            f"Date: {formatdate(self.server.service.signing_clock().timestamp(), usegmt=True)}",
            f"Content-Type: {reply.content_type}",
            ": ".join(MARK),
            *(f"{name}: {value}" for name, value in (*reply.headers, *more.items())),
            *(["Connection: close"] if self.close_connection else []),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
