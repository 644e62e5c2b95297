"""Signature version 4, checked as AWS checks it: a script that signs wrongly fails here too."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote


@dataclass(frozen=True)
class Signed:
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


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def problem(signed: Signed, secret: str, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> str | None:
    """Why AWS would refuse the request, or None."""
    stamp = headers.get("x-amz-date", "")
    try:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return "SignatureDoesNotMatch: no X-Amz-Date"
    if abs((datetime.now(timezone.utc) - at).total_seconds()) > 900:
        return f"SignatureDoesNotMatch: Signature expired: {stamp}"
    if "host" not in signed.headers:
        return "SignatureDoesNotMatch: 'Host' must be a 'SignedHeader' in the AWS Authorization."
    pairs = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join(
        [
            method,
            quote(path or "/", "/-_.~%"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed.headers),
            "",
            ";".join(signed.headers),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{signed.date}/{signed.region}/{signed.service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (signed.date, signed.region, signed.service, "aws4_request"):
        key = _hmac(key, part)
    if not hmac.compare_digest(_hmac(key, text).hex(), signed.signature):
        return (
            "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
    return None
