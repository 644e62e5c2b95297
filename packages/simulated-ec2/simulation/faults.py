"""What a test can make go wrong. Set through the control API."""

from __future__ import annotations

import dataclasses
import fnmatch
from dataclasses import dataclass, field
from typing import Any

from .settings import Settings


@dataclass
class Faults:
    #: Instance types (patterns) that RunInstances and StartInstances refuse with InsufficientInstanceCapacity.
    no_capacity: list[str] = field(default_factory=list)
    #: Instance types (patterns) that are accepted, stay pending for a while and fall back to stopped.
    no_capacity_late: list[str] = field(default_factory=list)
    #: For so long after power-on an instance's metadata service does not answer.
    metadata_delay_seconds: float = 0
    #: API actions (patterns, as `ec2:StartInstances`) that are refused with RequestLimitExceeded.
    throttled: list[str] = field(default_factory=list)
    #: API actions (patterns) that are done, and whose answer does not come as long as they are listed here.
    unanswered: list[str] = field(default_factory=list)
    #: API actions (patterns) that are refused with AccessDenied.
    denied: list[str] = field(default_factory=list)
    #: Seconds by API action (pattern) that it takes to answer.
    slow: dict[str, float] = field(default_factory=dict)
    #: Seconds an instance stays pending and stopping; None: as set at the start of the simulation.
    pending_seconds: float | None = None
    stopping_seconds: float | None = None
    #: How long a new registry login is valid; None: as set at the start.
    login_seconds: float | None = None
    #: Release of the Debian image that the public parameters name: raise it to publish a new one.
    debian_release: int = 1

    def set(self, wanted: dict[str, Any]) -> None:
        """Raises ValueError that names what is not a fault."""
        known = {field.name for field in dataclasses.fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"no fault of the name {name}; there are {', '.join(sorted(known))}")
            setattr(self, name, value)

    def seconds(self, name: str, settings: Settings) -> float:
        """`pending`, `stopping` or `login`, as a test has set it or the start of the simulation has."""
        chosen = getattr(self, f"{name}_seconds")
        return float(getattr(settings, f"{name}_seconds") if chosen is None else chosen)

    def seconds_of(self, action: str) -> float:
        """How much longer than usual an API action takes."""
        return max((seconds for pattern, seconds in self.slow.items() if fnmatch.fnmatch(action, pattern)), default=0)


def is_among(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
