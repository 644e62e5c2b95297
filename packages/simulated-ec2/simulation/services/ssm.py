"""Parameters: the public ones, which moto has from AWS's real account, and what SSM refuses that moto lets pass."""

from __future__ import annotations

from typing import Any

from ..faults import Faults
from ..front.call import Call, Refusal
from .ec2 import images

#: What a standard parameter holds.
PARAMETER_BYTES = 4096


class Ssm:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def PutParameter(self, call: Call) -> None:
        value = call.parameters.get("Value")
        if not value:
            raise Refusal("ValidationException", "Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
        if len(value.encode()) > PARAMETER_BYTES:
            raise Refusal("ValidationException", f"Standard tier parameters support a maximum parameter value of {PARAMETER_BYTES} characters.")

    def GetParameter(self, call: Call) -> dict[str, Any] | None:
        name = call.parameters.get("Name", "")
        if not name.startswith("/aws/"):
            return None
        found = self._public(call, name)
        if found is None:
            raise Refusal("ParameterNotFound", "")
        return {"Parameter": found}

    def GetParameters(self, call: Call) -> dict[str, Any] | None:
        names = call.parameters.get("Names", [])
        if not any(name.startswith("/aws/") for name in names):
            return None
        found = [(name, self._public(call, name)) for name in names]
        return {"Parameters": [value for _, value in found if value], "InvalidParameters": [name for name, value in found if not value]}

    def _public(self, call: Call, name: str) -> dict[str, Any] | None:
        value = images.named_by(name, self._faults.debian_release)
        if value is None:
            return None
        return {
            "Name": name,
            "Type": "String",
            "Value": value,
            "Version": self._faults.debian_release,
            "LastModifiedDate": 1793000000,
            "ARN": f"arn:aws:ssm:{call.region}::parameter{name}",
            "DataType": "aws:ec2:image",
        }
