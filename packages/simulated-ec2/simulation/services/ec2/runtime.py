"""What moto does not know of an instance, and the words of EC2 for what it goes through."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance, InstanceState, StateReason

from ...host.machine import Machine
from ...host.network import Attachment

#: Held while a state is written with its reason, and while an answer is: StateReason is written into it before State.
RECORD = threading.RLock()
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


def _reason(code: str, message: str) -> StateReason:
    return StateReason(f"{code}: {message}", code)


USER_INITIATED = _reason("Client.UserInitiatedShutdown", "User initiated shutdown")
INSTANCE_INITIATED = _reason("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
NO_CAPACITY = _reason("Server.InsufficientInstanceCapacity", "Insufficient capacity to satisfy instance request")
#: Who `StateTransitionReason` says it was.
INITIATORS = {USER_INITIATED.code: "User initiated", INSTANCE_INITIATED.code: "Instance initiated"}


def internal_error(error: Exception) -> StateReason:
    return _reason("Server.InternalError", str(error))


@dataclass
class Runtime:
    instance: Instance
    machine: Machine
    attachment: Attachment | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def set(self, state: str, reason: StateReason | None = None) -> None:
        instance = self.instance
        with RECORD:
            instance.state_reason = reason or StateReason()
            who = INITIATORS.get(instance.state_reason.code, "Server" if reason else "")
            instance._reason = f"{who} ({datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} GMT)" if who else ""
            instance._state = InstanceState(state, STATES[state])


def incorrect_state(instance_id: str, wanted: str) -> EC2ClientError:
    return EC2ClientError(
        "IncorrectInstanceState", f"The instance '{instance_id}' is not in a state from which it can be {wanted}."
    )
