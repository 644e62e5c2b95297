"""Signature version 4, checked by signing again: a script that signs wrongly fails here too.

botocore signs; what it has no use for, reading a signature, is here.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CLOCK_SKEW_SECONDS = 900
CODE = "SignatureDoesNotMatch"


@dataclass(frozen=True)
class Signed:
    """What an Authorization header says."""

    access_key: str
    date: str
    region: str
    service: str
    headers: list[str]
    signature: str


def parse(authorization: str) -> Signed | None:
    if not authorization.startswith("AWS4-HMAC-SHA256 "):
        return None
    try:
        parts = dict(part.strip().split("=", 1) for part in authorization.split(" ", 1)[1].split(","))
        access_key, date, region, service, _ = parts["Credential"].split("/")
        return Signed(access_key, date, region, service, parts["SignedHeaders"].split(";"), parts["Signature"])
    except (KeyError, ValueError):
        return None


def problem(signed: Signed, secret: str, environ: dict[str, Any], body: bytes) -> str | None:
    """What is wrong with the signature of a request, or None."""
    stamp = environ.get("HTTP_X_AMZ_DATE", "")
    try:
        at = datetime.strptime(stamp, SIGV4_TIMESTAMP).replace(tzinfo=timezone.utc)
    except ValueError:
        return "no X-Amz-Date"
    if abs((datetime.now(timezone.utc) - at).total_seconds()) > CLOCK_SKEW_SECONDS:
        return f"Signature expired: {stamp}"
    if "host" not in signed.headers:
        return "'Host' must be a 'SignedHeader' in the AWS Authorization."
    digest = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
    is_body_signed = digest is None or digest == hashlib.sha256(body).hexdigest()
    if not (is_body_signed and stamp.startswith(signed.date) and hmac.compare_digest(_sign(signed, secret, stamp, environ, body), signed.signature)):
        return (
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
    return None


class _Signer(SigV4Auth):  # type: ignore[misc]
    """Signs the headers that the client has signed, and not those that botocore would choose."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        return request.headers


def _sign(signed: Signed, secret: str, stamp: str, environ: dict[str, Any], body: bytes) -> str:
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{environ['RAW_URI']}",
        headers={name: _header(environ, name) for name in signed.headers},
        data=body,
    )
    request.context["timestamp"] = stamp
    signer = _Signer(Credentials(signed.access_key, secret), signed.service, signed.region)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def _header(environ: dict[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))
