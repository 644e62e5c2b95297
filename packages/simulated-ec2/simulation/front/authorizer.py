"""Policies that are enforced: before a role's call is done, whoever evaluates policies (policies/authorizer.ts) is asked."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

from moto.iam.models import iam_backends

from ..settings import ACCOUNT

SESSION = re.compile(r"arn:[a-z-]+:sts::\d+:assumed-role/([^/]+)/.*")
#: The evaluator is a process of the test's, which may be busy.
LIMIT_SECONDS = 60


class Authorizer:
    def __init__(self) -> None:
        #: Where to ask; None: everything is allowed.
        self.url: str | None = None

    def refusal(self, call: dict[str, Any]) -> str | None:
        """Why AWS would refuse the call (an entry of the log), in its words; None: it would not."""
        session = SESSION.fullmatch(call["principal"])
        assumed = _role(call["resources"][0].rpartition("/")[2]) if call["action"].startswith("sts:AssumeRole") else None
        # Users have no policies here: they may do everything, but for roles that do not trust them.
        if self.url is None or (session is None and assumed is None):
            return None
        question = {
            "call": call,
            "policies": _policies(session[1]) if session else None,
            "trust": json.loads(assumed.assume_role_policy_document) if assumed else None,
        }
        request = urllib.request.Request(self.url, json.dumps(question).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as answer:
                refusal: str | None = json.load(answer)["refusal"]
                return refusal
        except OSError as error:
            return f"the policies could not be evaluated: {error}"


def _policies(name: str) -> list[Any]:
    """None of a role that is gone: its sessions may do nothing any more."""
    role = _role(name)
    return [json.loads(text) for text in role.policies.values()] if role else []


def _role(name: str) -> Any:
    return next((role for role in list(iam_backends[ACCOUNT]["aws"].roles.values()) if role.name == name), None)
