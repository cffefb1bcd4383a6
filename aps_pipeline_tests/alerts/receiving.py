"""A webhook and a mail server on loopback, which keep what they are given, or refuse it."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Inbox:
    """What came in, and whether more is taken."""

    port: int = 0
    refuses: bool = False
    kept: list[Any] = field(default_factory=list)


@contextmanager
def _served(server: socketserver.BaseServer, inbox: Inbox) -> Iterator[Inbox]:
    inbox.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def webhook() -> Iterator[Inbox]:
    """Keeps the JSON of each POST."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not inbox.refuses:
                inbox.kept.append(json.loads(body))
            self.send_response(500 if inbox.refuses else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler), inbox) as opened:
        yield opened


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """Keeps each message as it came: as much SMTP as a client needs."""
    inbox = Inbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 loopback")
            while line := self.rfile.readline():
                verb = line[:4].upper().strip()
                if verb == b"QUIT":
                    self.say("221 bye")
                    return
                if verb == b"DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    inbox.kept.append(b"".join(lines).decode())
                self.say("550 no" if inbox.refuses and verb == b"RCPT" else "250 ok")

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), inbox) as opened:
        yield opened
