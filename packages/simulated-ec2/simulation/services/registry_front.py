"""The ECR registry as clients see it: TLS and logins before a real registry, as strict as ECR about repositories and tags."""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from moto.ecr.models import ecr_backends
from werkzeug.middleware.http_proxy import ProxyMiddleware
from werkzeug.wrappers import Request, Response

from ..settings import ACCOUNT, REGIONS, Settings
from .logins import Logins
from .registry import Registry

PATH = re.compile(r"^/v2/(?P<name>.+?)/(?P<kind>manifests|blobs|tags|referrers)(?:/(?P<reference>.*))?$")

#: What IAM calls the requests of the registry protocol.
ACTIONS = {
    ("PUT", "manifests"): "PutImage",
    ("GET", "manifests"): "BatchGetImage",
    ("HEAD", "manifests"): "BatchGetImage",
    ("HEAD", "blobs"): "BatchCheckLayerAvailability",
    ("GET", "blobs"): "GetDownloadUrlForLayer",
    ("POST", "blobs"): "InitiateLayerUpload",
    ("PATCH", "blobs"): "UploadLayerPart",
    ("PUT", "blobs"): "CompleteLayerUpload",
    ("GET", "tags"): "ListImages",
    ("DELETE", "manifests"): "BatchDeleteImage",
}


class _Denied(NamedTuple):
    status: int
    code: str
    message: str


class RegistryFront:
    """A WSGI application. `enter(action, repository ARN, principal)` is called for each request, and says why it is refused, if it is."""

    def __init__(self, settings: Settings, registry: Registry, logins: Logins, enter: Callable[[str, str, str], str | None]) -> None:
        self._settings = settings
        self._registry = registry
        self._logins = logins
        self._enter = enter
        # The registry writes its own address into answers: it gets the name, and the protocol, that the client knows.
        target = {"target": f"http://127.0.0.1:{registry.port}", "host": None, "headers": {"X-Forwarded-Proto": "https"}}
        self._proxy = ProxyMiddleware(Response(status=404), {"/v2/": target}, chunk_size=1 << 18, timeout=300)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        denied = self._denied(request)
        if denied:
            return _refusal(request, denied)(environ, start_response)
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            _give_length(environ)
        return self._proxy(environ, start_response)

    def _denied(self, request: Request) -> _Denied | None:
        login = request.authorization
        principal = self._logins.principal(login.username, login.password) if login and login.type == "basic" else None
        if principal is None:
            expired = "Your authorization token has expired. Reauthenticate and try again."
            return _Denied(401, "UNAUTHORIZED", expired if "Authorization" in request.headers else "no basic auth credentials")
        found = PATH.match(request.path)
        if not found:
            return None
        name, reference = found["name"], found["reference"] or ""
        region = self._region(request.host)
        action = ACTIONS.get((request.method, found["kind"]))
        refusal = action and self._enter(f"ecr:{action}", f"arn:aws:ecr:{region}:{ACCOUNT}:repository/{name}", principal)
        if refusal:
            return _Denied(403, "DENIED", refusal)
        repository = ecr_backends[ACCOUNT][region].repositories.get(name)
        if repository is None:
            return _Denied(404, "NAME_UNKNOWN", f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'")
        if action == "PutImage" and _is_immutable(repository, reference) and self._registry.digest(name, reference):
            message = f"The image tag '{reference}' already exists in the '{name}' repository and cannot be overwritten because the tag is immutable."
            return _Denied(400, "TAG_INVALID", message)
        return None

    def _region(self, host: str) -> str:
        host = host.split(":")[0]
        return next((region for region in REGIONS if self._settings.registry_host(region) == host), REGIONS[0])


def _is_immutable(repository: Any, reference: str) -> bool:
    # moto holds the plain word, or a member of an enumeration whose name it is.
    mutability = str(repository.image_tag_mutability).rpartition(".")[2]
    if reference.startswith("sha256:") or not mutability.startswith("IMMUTABLE"):
        return False
    patterns = [item["filter"] for item in repository.image_tag_mutability_exclusion_filters or []]
    return not any(fnmatch.fnmatchcase(reference, pattern) for pattern in patterns)


def _give_length(environ: dict[str, Any]) -> None:
    """werkzeug's proxy does not say where a chunked body ends: it gets a body of a known length."""
    body = tempfile.SpooledTemporaryFile(max_size=1 << 24)
    shutil.copyfileobj(environ["wsgi.input"], body, 1 << 18)
    environ["CONTENT_LENGTH"] = str(body.tell())
    body.seek(0)
    environ["wsgi.input"] = body
    del environ["HTTP_TRANSFER_ENCODING"], environ["wsgi.input_terminated"]


def _refusal(request: Request, denied: _Denied) -> Response:
    response = Response(
        json.dumps({"errors": [{"code": denied.code, "message": denied.message}]}),
        denied.status,
        {"Docker-Distribution-Api-Version": "registry/2.0"},
        content_type="application/json",
    )
    if denied.status == 401:
        response.headers["WWW-Authenticate"] = f'Basic realm="https://{request.host}/",service="ecr.amazonaws.com"'
    return response
