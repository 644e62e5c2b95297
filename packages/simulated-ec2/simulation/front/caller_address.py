"""Answers whoever asks with the address that the request came from, as checkip.amazonaws.com does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .call import StartResponse


def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['REMOTE_ADDR']}\n".encode()]
