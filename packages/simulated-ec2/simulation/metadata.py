"""The instance metadata service, for all machines at once: it knows them by their address."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .settings import ACCOUNT


@dataclass(frozen=True)
class InstanceFacts:
    """What the service tells one instance about itself."""

    instance_id: str
    instance_type: str
    image_id: str
    region: str
    zone: str
    private_address: str
    public_address: str | None
    host_name: str
    mac: str
    security_groups: list[str]
    architecture: str
    #: Base64, as the API stores it.
    user_data: str | None
    profile_arn: str | None
    role: str | None
    tokens_required: bool
    hop_limit: int
    enabled: bool
    tags: dict[str, str] | None


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str
    token: str
    expires: datetime


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
        found = self._look_up(facts, self.path.split("?")[0])
        if found is None:
            return self._answer(404, "")
        self._answer(200, found)

    def _look_up(self, facts: InstanceFacts, path: str) -> str | bytes | None:
        if path == "/latest/user-data":
            return base64.b64decode(facts.user_data) if facts.user_data else None
        if path == "/latest/dynamic/instance-identity/document":
            return json.dumps(
                {
                    "accountId": ACCOUNT,
                    "architecture": facts.architecture,
                    "availabilityZone": facts.zone,
                    "imageId": facts.image_id,
                    "instanceId": facts.instance_id,
                    "instanceType": facts.instance_type,
                    "privateIp": facts.private_address,
                    "region": facts.region,
                    "version": "2017-09-30",
                },
                indent=2,
            )
        prefix = "/latest/meta-data"
        if not path.startswith(prefix):
            return None
        leaves = self._leaves(facts)
        name = path[len(prefix) :].strip("/")
        if name in leaves:
            return leaves[name]
        # A folder lists its children, folders with a slash.
        start = f"{name}/" if name else ""
        children = sorted({leaf[len(start) :].split("/")[0] + ("/" if "/" in leaf[len(start) :] else "") for leaf in leaves if leaf.startswith(start)})
        return "\n".join(children) if children else None

    def _leaves(self, facts: InstanceFacts) -> dict[str, str]:
        leaves = {
            "ami-id": facts.image_id,
            "hostname": facts.host_name,
            "instance-id": facts.instance_id,
            "instance-type": facts.instance_type,
            "local-hostname": facts.host_name,
            "local-ipv4": facts.private_address,
            "mac": facts.mac,
            "placement/availability-zone": facts.zone,
            "placement/region": facts.region,
            "security-groups": "\n".join(facts.security_groups),
            "services/domain": "amazonaws.com",
            "services/partition": "aws",
        }
        if facts.public_address:
            leaves["public-ipv4"] = facts.public_address
        for name, value in (facts.tags or {}).items():
            leaves[f"tags/instance/{name}"] = value
        if facts.role and facts.profile_arn:
            now = datetime.now(timezone.utc)
            given = self.server.credentials(facts)
            stamp = "%Y-%m-%dT%H:%M:%SZ"
            leaves["iam/info"] = json.dumps(
                {"Code": "Success", "LastUpdated": now.strftime(stamp), "InstanceProfileArn": facts.profile_arn}, indent=2
            )
            leaves[f"iam/security-credentials/{facts.role}"] = json.dumps(
                {
                    "Code": "Success",
                    "LastUpdated": (given.expires - timedelta(hours=6)).strftime(stamp),
                    "Type": "AWS-HMAC",
                    "AccessKeyId": given.access_key,
                    "SecretAccessKey": given.secret_key,
                    "Token": given.token,
                    "Expiration": given.expires.strftime(stamp),
                },
                indent=2,
            )
        return leaves

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
