"""The control API, for tests: what happened, what there is, what goes wrong, and what happens inside machines."""

from __future__ import annotations

import dataclasses
import json
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.ssm.models import ssm_backends

from ..faults import Faults
from ..services.ec2.instances import Instances
from ..settings import ACCOUNT, REGIONS
from .authorizer import Authorizer
from .call import StartResponse, answer_json
from .log import CallLog


class Control:
    def __init__(
        self,
        faults: Faults,
        instances: Instances,
        authorizer: Authorizer,
        log: CallLog,
        set_issuer_keys: Callable[[dict[str, Any]], None],
        stop: Callable[[], None],
    ) -> None:
        self._faults = faults
        self._instances = instances
        self._authorizer = authorizer
        self._log = log
        self._set_issuer_keys = set_issuer_keys
        self._stop = stop

    def answer(self, method: str, path: str, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return answer_json(start_response, 200, self._do(method, path, json.loads(body or b"{}")))
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            traceback.print_exc()
            return answer_json(start_response, 400, {"error": f"{type(error).__name__}: {error}"})

    def _do(self, method: str, path: str, wanted: Any) -> Any:
        match (method, path.split("/")[2:]):
            case ("GET", ["calls"]):
                return self._log.entries()
            case ("GET", ["account"]):
                return _account()
            case ("GET", ["faults"]):
                return dataclasses.asdict(self._faults)
            case ("PUT", ["authorizer"]):
                self._authorizer.url = wanted["url"]
                return {}
            case ("PUT", ["faults"]):
                self._faults.set(wanted)
                return dataclasses.asdict(self._faults)
            case ("PUT", ["issuer-keys"]):
                self._set_issuer_keys(wanted)
                return {}
            case ("POST", ["instances", instance_id, "execute"]):
                machine = self._instances[instance_id].machine
                status, out, err = machine.execute(wanted["command"], float(wanted.get("timeout", 60)))
                return {"status": status, "stdout": out, "stderr": err}
            case ("POST", ["instances", instance_id, "pull-the-plug"]):
                self._instances[instance_id].machine.pull_the_plug()
                return {}
            case ("GET", ["instances", instance_id, "console"]):
                return {"console": self._instances[instance_id].machine.console.read_text(errors="replace")}
            case ("POST", ["stop"]):
                # Who is to be asked waits for the end of this.
                self._authorizer.url = None
                self._stop()
                return {}
        raise ValueError(f"{method} {path} is not part of the control API")


def _account() -> dict[str, list[str]]:
    """Everything in the account that somebody made: compared before and after, it shows what was left behind."""
    iam = iam_backends[ACCOUNT]["aws"]
    found: dict[str, list[str]] = {
        "roles": [role.arn for role in iam.roles.values()],
        "instanceProfiles": list(iam.instance_profiles),
        "identityProviders": list(iam.open_id_providers),
    }
    for region in REGIONS:
        ec2 = ec2_backends[ACCOUNT][region]
        found[f"{region} instances"] = [instance.id for instance in ec2.all_instances() if instance.state != "terminated"]
        found[f"{region} volumes"] = list(ec2.volumes)
        found[f"{region} snapshots"] = list(ec2.snapshots)
        found[f"{region} networkInterfaces"] = list(ec2.enis)
        found[f"{region} securityGroups"] = [group for groups in ec2.groups.values() for group in groups]
        found[f"{region} vpcs"] = list(ec2.vpcs)
        found[f"{region} subnets"] = [subnet for zones in ec2.subnets.values() for subnet in zones]
        found[f"{region} internetGateways"] = list(ec2.internet_gateways)
        found[f"{region} routeTables"] = list(ec2.route_tables)
        found[f"{region} repositories"] = list(ecr_backends[ACCOUNT][region].repositories)
        parameters = ssm_backends[ACCOUNT][region]._parameters
        found[f"{region} parameters"] = [name for name in parameters if not name.startswith("/aws/")]
    return {name: sorted(values) for name, values in found.items()}
