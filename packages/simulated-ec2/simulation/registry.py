"""The ECR registry: a real registry behind TLS and a login, as strict as ECR about repositories and tags."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import http.client
import json
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from moto.ecr.models import ecr_backends

from .settings import ACCOUNT, REGIONS, Settings

MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
PATH = re.compile(r"^/v2/(?P<name>.+?)/(?P<kind>manifests|blobs|tags|referrers)(?P<rest>/.*)?$")

#: What IAM calls the requests of the registry protocol.
ACTIONS = (
    ("PUT", "manifests", "PutImage"),
    ("GET", "manifests", "BatchGetImage"),
    ("HEAD", "manifests", "BatchGetImage"),
    ("HEAD", "blobs", "BatchCheckLayerAvailability"),
    ("GET", "blobs", "GetDownloadUrlForLayer"),
    ("POST", "blobs", "InitiateLayerUpload"),
    ("PATCH", "blobs", "UploadLayerPart"),
    ("PUT", "blobs", "CompleteLayerUpload"),
    ("GET", "tags", "ListImages"),
    ("DELETE", "manifests", "BatchDeleteImage"),
)


class Registry:
    """`record(action, repository ARN, principal, status)` is called for each request."""

    def __init__(self, settings: Settings, record: Callable[[str, str, str, int], None]) -> None:
        self.settings = settings
        self.record = record
        self._logins: dict[str, tuple[float, str]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = settings.state / "registry"
        self.port = 0

    def start(self, context: ssl.SSLContext) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "configuration.json"
        # YAML is a superset of JSON.
        configuration.write_text(
            json.dumps(
                {
                    "version": 0.1,
                    "log": {"level": "warn"},
                    "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}, "delete": {"enabled": True}},
                    "http": {"addr": f"127.0.0.1:{self.port}"},
                }
            )
        )
        with (self._folder / "registry.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["registry", "serve", configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._await()
        front = _Front(self, (self.settings.registry_address, 443), context)
        threading.Thread(target=front.serve_forever, daemon=True).start()

    def _await(self) -> None:
        for _ in range(200):
            try:
                self.request("GET", "/v2/")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the registry does not answer; see {self._folder / 'registry.log'}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    # Logins

    def log_in(self, seconds: float, principal: str) -> tuple[str, datetime]:
        """A new password for user AWS, and when it ends."""
        password = secrets.token_urlsafe(60)
        expires = time.time() + seconds
        self._logins[password] = (expires, principal)
        return password, datetime.fromtimestamp(expires, timezone.utc)

    def principal(self, authorization: str | None) -> str | None:
        if not authorization or not authorization.startswith("Basic "):
            return None
        try:
            user, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        expires, principal = self._logins.get(password, (0.0, ""))
        return principal if user == "AWS" and expires > time.time() else None

    # Contents

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def digest(self, name: str, reference: str) -> str | None:
        status, headers, _ = self.request("HEAD", f"/v2/{name}/manifests/{reference}", {"Accept": ", ".join(MANIFEST_TYPES)})
        return headers.get("docker-content-digest") if status == 200 else None

    def tags(self, name: str) -> list[str]:
        status, _, body = self.request("GET", f"/v2/{name}/tags/list")
        return list(json.loads(body).get("tags") or []) if status == 200 else []

    def images(self, name: str) -> list[dict[str, Any]]:
        """Every manifest of the repository, tagged or not, as DescribeImages has them."""
        tagged: dict[str, list[str]] = {}
        for tag in self.tags(name):
            digest = self.digest(name, tag)
            if digest:
                tagged.setdefault(digest, []).append(tag)
        folder = self._folder / "data/docker/registry/v2/repositories" / name / "_manifests/revisions/sha256"
        digests = {f"sha256:{entry.name}" for entry in folder.iterdir()} if folder.exists() else set()
        found = []
        for digest in sorted(digests | set(tagged)):
            status, headers, body = self.request("GET", f"/v2/{name}/manifests/{digest}", {"Accept": ", ".join(MANIFEST_TYPES)})
            if status != 200:
                continue
            manifest = json.loads(body)
            entry: dict[str, Any] = {
                "registryId": ACCOUNT,
                "repositoryName": name,
                "imageDigest": digest,
                "imageManifestMediaType": headers["content-type"],
                "imageSizeInBytes": sum(layer["size"] for layer in manifest.get("layers", [])),
                "imagePushedAt": (folder / digest[7:] / "link").stat().st_mtime,
            }
            if digest in tagged:
                entry["imageTags"] = sorted(tagged[digest])
            found.append(entry)
        return found

    def delete_image(self, name: str, digest: str) -> bool:
        return self.request("DELETE", f"/v2/{name}/manifests/{digest}")[0] == 202

    def untag(self, name: str, tag: str) -> None:
        shutil.rmtree(self._folder / "data/docker/registry/v2/repositories" / name / "_manifests/tags" / tag, ignore_errors=True)

    def delete_repository(self, name: str) -> None:
        shutil.rmtree(self._folder / "data/docker/registry/v2/repositories" / name, ignore_errors=True)


class _Front(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, registry: Registry, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, _Handler)
        self.registry = registry
        # The handshake happens on the connection's own thread: a client that never speaks holds up nobody.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    server: _Front
    protocol_version = "HTTP/1.1"
    timeout = 300

    def _handle(self) -> None:
        registry = self.server.registry
        principal = registry.principal(self.headers.get("Authorization"))
        if principal is None:
            return self._refuse(401, "UNAUTHORIZED", "Your authorization token has expired. Reauthenticate and try again." if self.headers.get("Authorization") else "no basic auth credentials")
        found = PATH.match(self.path.split("?")[0])
        if found:
            name, kind = found["name"], found["kind"]
            repository = self._repository(name)
            action = next((action for method, of, action in ACTIONS if (method, of) == (self.command, kind)), None)
            if repository is None:
                return self._refuse(404, "NAME_UNKNOWN", f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'")
            if action:
                registry.record(f"ecr:{action}", repository.arn, principal, 0)
            if action == "PutImage" and self._is_taken(repository, name, (found["rest"] or "")[1:]):
                return
        self._forward()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _repository(self, name: str) -> Any:
        host = (self.headers.get("Host") or "").split(":")[0]
        region = next((region for region in REGIONS if self.server.registry.settings.registry_host(region) == host), REGIONS[0])
        return ecr_backends[ACCOUNT][region].repositories.get(name)

    def _is_taken(self, repository: Any, name: str, reference: str) -> bool:
        """Refuses a push to an immutable tag that exists."""
        # moto holds the plain word, or a member of an enumeration whose name it is.
        mutability = str(repository.image_tag_mutability).rpartition(".")[2]
        if reference.startswith("sha256:") or not mutability.startswith("IMMUTABLE"):
            return False
        patterns = [item["filter"] for item in repository.image_tag_mutability_exclusion_filters or []]
        if any(fnmatch.fnmatchcase(reference, pattern) for pattern in patterns):
            return False
        if self.server.registry.digest(name, reference) is None:
            return False
        for _ in self._body():
            pass
        self._refuse(
            400,
            "TAG_INVALID",
            f"The image tag '{reference}' already exists in the '{name}' repository and cannot be overwritten because the tag is immutable.",
            read=False,
        )
        return True

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0:
            data = self.rfile.read(min(left, 1 << 18))
            if not data:
                return
            left -= len(data)
            yield data

    def _forward(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.registry.port, timeout=300)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("authorization", "connection", "transfer-encoding"):
                    connection.putheader(name, value)
            connection.putheader("X-Forwarded-Proto", "https")
            chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
            if chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            for data in self._body():
                connection.send(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)
            if chunked:
                connection.send(b"0\r\n\r\n")
            answer = connection.getresponse()
            self.send_response(answer.status)
            length = answer.getheader("Content-Length")
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            if length is None and self.command != "HEAD":
                self.close_connection = True
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                shutil.copyfileobj(answer, self.wfile, 1 << 18)
        finally:
            connection.close()

    def _refuse(self, status: int, code: str, message: str, read: bool = True) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.send_response(status)
        if status == 401:
            host = self.headers.get("Host") or ""
            self.send_header("WWW-Authenticate", f'Basic realm="https://{host}/",service="ecr.amazonaws.com"')
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if read and self.command in ("POST", "PUT", "PATCH"):
            # The body was not read: this connection cannot be used for another request.
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
