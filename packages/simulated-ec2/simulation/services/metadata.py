"""The instance metadata service, for all machines at once: it knows them by their address.

Hand-written, because no server lets an answer travel so many hops as the instance allows.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .instance_facts import InstanceFacts, look_up
from .sts import Credentials


class MetadataServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        listener: socket.socket,
        facts: Callable[[str], InstanceFacts | None],
        credentials: Callable[[InstanceFacts], Credentials],
        delay: Callable[[str], float],
    ) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.facts = facts
        self.credentials = credentials
        #: Seconds for which an instance's questions wait: the slow metadata service of a test.
        self.delay = delay
        self.tokens: dict[str, tuple[str, float]] = {}
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: MetadataServer
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""

    def _facts(self) -> InstanceFacts | None:
        address = self.client_address[0]
        wait = self.server.delay(address)
        if wait > 0:
            time.sleep(wait)
        facts = self.server.facts(address)
        if facts is None or not facts.enabled:
            self._answer(403, "")
            return None
        return facts

    def do_PUT(self) -> None:
        facts = self._facts()
        if facts is None:
            return
        # The answer to this question, and only this one, travels `hop_limit` hops: a container behind the instance's
        # own routing is one hop further than the instance.
        self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, facts.hop_limit)
        self.close_connection = True
        seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.path != "/latest/api/token":
            return self._answer(404, "")
        if self.headers.get("X-Forwarded-For"):
            return self._answer(403, "")
        if not (seconds.isdigit() and 1 <= int(seconds) <= 21600):
            return self._answer(400, "")
        token = secrets.token_urlsafe(40)
        with self.server.lock:
            self.server.tokens[token] = (facts.instance_id, time.time() + int(seconds))
        self._answer(200, token, {"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": seconds})

    def do_GET(self) -> None:
        facts = self._facts()
        if facts is None:
            return
        token = self.headers.get("X-aws-ec2-metadata-token")
        if token is not None or facts.tokens_required:
            with self.server.lock:
                instance_id, expires = self.server.tokens.get(token or "", ("", 0.0))
            if instance_id != facts.instance_id or expires < time.time():
                return self._answer(401, "")
        found = look_up(facts, self.path.split("?")[0], lambda: self.server.credentials(facts))
        if found is None:
            return self._answer(404, "")
        self._answer(200, found)

    def _answer(self, status: int, body: str | bytes, headers: dict[str, str] | None = None) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass
