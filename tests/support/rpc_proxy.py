"""A JSON-RPC proxy that can hold a chosen call before or after it reaches the chain, refuse calls, or be slow."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Predicate = Callable[[str, list[Any]], bool]
TIMEOUT_SECS = 60.0


class RpcProxy:
    """Stands between a service and its chain; everything passes until told otherwise.

    `disturb` is asked about each call's method: it may wait, raise an OSError (the connection is dropped), or give the
    members of an answer that is not the chain's.
    """

    def __init__(self, target: str, host: str = "127.0.0.1") -> None:
        self._target = target
        self.disturb: Callable[[str], bytes | None] | None = None
        self._held: Predicate | None = None
        self._after = False
        self._reached = threading.Event()
        self._release = threading.Event()
        self._drop = False
        self.down = False
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if proxy.down:
                    self.close_connection = True
                    return
                try:
                    answer = proxy.pass_on(body)
                except OSError:  # the chain is away
                    self.close_connection = True
                    return
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:  # whoever asked was killed
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever asked was killed
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to send calls."""
        return f"http://{self._server.server_address[0]}:{self._server.server_port}"

    def hold(self, predicate: Predicate, *, after: bool = False) -> None:
        """Holds the first call that matches, before it reaches the chain or (`after`) its answer, until `release`."""
        self._reached.clear()
        self._release.clear()
        self._drop = False
        self._after = after
        self._held = predicate

    def wait_held(self, timeout_secs: float = TIMEOUT_SECS) -> None:
        """Returns once a call is held."""
        assert self._reached.wait(timeout_secs), "no call was held"

    @property
    def held(self) -> bool:
        """Whether a call is held, or was since the last `hold`."""
        return self._reached.is_set()

    def release(self, *, drop: bool = False) -> None:
        """Lets everything pass again; with `drop` what is held before the chain never reaches it."""
        self._held = None
        self._drop = drop
        self._release.set()

    def close(self) -> None:
        """Ends the proxy."""
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, body: bytes) -> bytes:
        """The chain's answer."""
        call = json.loads(body)
        disturb = self.disturb
        lie = disturb(call["method"]) if disturb is not None and isinstance(call, dict) else None
        if lie is not None:
            return json.dumps({"jsonrpc": "2.0", "id": call.get("id")}).encode()[:-1] + b", " + lie + b"}"
        held = self._held
        matches = held is not None and isinstance(call, dict) and held(call["method"], call.get("params", []))
        if matches and not self._after:
            self._hold_here()
            if self._drop:
                raise ConnectionResetError
        request = urllib.request.Request(self._target, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECS) as response:
            answer: bytes = response.read()
        if matches and self._after:
            self._hold_here()
        return answer

    def _hold_here(self) -> None:
        self._reached.set()
        self._release.wait(TIMEOUT_SECS)
