"""Logins to the registry: passwords that expire, and whose they are."""

from __future__ import annotations

import secrets
import time
from datetime import datetime, timezone

USER = "AWS"


class Logins:
    def __init__(self) -> None:
        self._passwords: dict[str, tuple[float, str]] = {}

    def add(self, seconds: float, principal: str) -> tuple[str, datetime]:
        """A new password, and when it expires."""
        password = secrets.token_urlsafe(60)
        expires = time.time() + seconds
        self._passwords[password] = (expires, principal)
        return password, datetime.fromtimestamp(expires, timezone.utc)

    def principal(self, user: str | None, password: str | None) -> str | None:
        """None: this login is not valid, or not any more."""
        expires, principal = self._passwords.get(password or "", (0.0, ""))
        return principal if user == USER and expires > time.time() else None
