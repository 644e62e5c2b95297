"""Whose an access key is: the administrator's, a user's, an assumed role's, or an instance's."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from ..settings import ACCOUNT, ADMIN_ACCESS_KEY, ADMIN_SECRET_KEY


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str
    token: str
    expires: datetime


@dataclass(frozen=True)
class Principal:
    arn: str
    secret_key: str
    #: A session's requests have to carry it.
    token: str | None = None


class Sessions:
    """The sessions of instances' roles, as the metadata service gives them out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[str, tuple[Credentials, str]] = {}

    def of(self, instance_id: str, role: str) -> Credentials:
        """Renewed an hour before the end."""
        with self._lock:
            now = datetime.now(timezone.utc)
            given, _ = self._given.get(f"{instance_id}/{role}", (None, ""))
            if given is None or given.expires < now + timedelta(hours=1):
                given = Credentials(
                    access_key="ASIA" + secrets.token_hex(8).upper(),
                    secret_key=secrets.token_urlsafe(30),
                    token=secrets.token_urlsafe(120),
                    expires=now + timedelta(hours=6),
                )
                arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{instance_id}"
                self._given[f"{instance_id}/{role}"] = (given, arn)
            return given

    def principal(self, access_key: str) -> Principal | None:
        """None: nobody has this key."""
        if access_key == ADMIN_ACCESS_KEY:
            return Principal(f"arn:aws:iam::{ACCOUNT}:user/administrator", ADMIN_SECRET_KEY)
        with self._lock:
            for credentials, arn in self._given.values():
                if credentials.access_key == access_key:
                    return Principal(arn, credentials.secret_key, credentials.token)
        assumed = sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(access_key)
        if assumed:
            return Principal(assumed.arn, assumed.secret_access_key, assumed.session_token)
        key = iam_backends[ACCOUNT]["aws"].access_keys.get(access_key)
        return Principal(f"arn:aws:iam::{ACCOUNT}:user/{key.user_name}", key.secret_access_key) if key else None
