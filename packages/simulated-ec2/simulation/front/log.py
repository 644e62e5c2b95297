"""The log of calls: what tests, and evaluations of policies, read afterwards."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from .call import Call
from .facts import resources

#: Never written down.
SECRET_PARAMETERS = ("Value", "UserData", "WebIdentityToken")


class CallLog:
    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []
        self._file = file.open("a", buffering=1)

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._entries)

    def add(self, entry: dict[str, Any]) -> None:
        entry = {"time": round(time.time(), 3), **entry}
        with self._lock:
            self._entries.append(entry)
            self._file.write(json.dumps(entry) + "\n")

    def add_call(self, call: Call, facts: dict[str, Any], sender: str | None, status: int, error: str | None = None) -> None:
        self.add({**entry(call, facts), "from": sender, "status": status, "error": error})


def entry(call: Call, facts: dict[str, Any]) -> dict[str, Any]:
    """A call as the log has it, before it is answered."""
    left_out = (*SECRET_PARAMETERS, "Action", "Version")
    return {
        "principal": call.principal,
        "action": call.name,
        "resources": resources(call),
        **facts,
        "region": call.region,
        "parameters": {name: value for name, value in call.parameters.items() if name not in left_out},
    }


def registry_entry(action: str, resource: str, principal: str) -> dict[str, Any]:
    """A request of the registry's protocol, which has no answer of its own here."""
    return {"principal": principal, "action": action, "resources": [resource], "region": resource.split(":")[3], "status": 0}
