"""RunInstances, StartInstances and their kin in place of moto's: what EC2 refuses, then the instances' own states."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance, InstanceState
from moto.ec2.responses.general import General
from moto.ec2.responses.instances import InstanceResponse

from ...faults import is_among
from .images import architecture_of
from .instances import Instances
from .networks import check_groups
from .runtime import RECORD, Runtime

USER_DATA_BYTES = 16384
CONSOLE_BYTES = 65536

#: Whether this thread is inside RunInstances, which attaches root volumes by moto's own methods.
launching = threading.local()


def install(instances: Instances) -> None:
    run_instances = EC2Backend.run_instances

    def launch(backend: EC2Backend, image_id: str, count: int, user_data: Any, group_names: list[str], **kwargs: Any) -> Any:
        _check(instances, backend, image_id, user_data, kwargs)
        _choose_subnet(backend, kwargs)
        for nic in kwargs.get("nics") or []:
            check_groups(backend, nic["SubnetId"], nic.get("Groups") or [])
        launching.now = True
        try:
            reservation = run_instances(backend, image_id, count, user_data, group_names, **kwargs)
        finally:
            launching.now = False
        for instance in reservation.instances:
            _complete(instance, kwargs.get("block_device_mappings", []))
            instances.add(instance)
        return reservation

    def start(runtime: Runtime) -> None:
        if runtime.instance.state == "stopped":
            _check_capacity(instances, runtime.instance.instance_type)
        instances.start(runtime)

    def terminate(backend: EC2Backend, ids: list[str]) -> Any:
        for instance in backend.get_multi_instances_by_id(ids):
            if instance.disable_api_termination:
                raise EC2ClientError(
                    "OperationNotPermitted",
                    f"The instance '{instance.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
                )
        return _change(instances, instances.terminate)(backend, ids)

    EC2Backend.run_instances = launch
    EC2Backend.start_instances = _change(instances, start)
    EC2Backend.stop_instances = _change(instances, instances.stop)
    EC2Backend.terminate_instances = terminate
    EC2Backend.reboot_instances = _change(instances, lambda runtime: runtime.machine.reboot())
    for action, member in (("start", "StartingInstances"), ("stop", "StoppingInstances"), ("terminate", "TerminatingInstances")):
        setattr(InstanceResponse, f"{action}_instances", _state_changes(action, member))
    InstanceResponse.serialized = _as_one(InstanceResponse.serialized)
    General.get_console_output = _console_output(instances)


def _check(instances: Instances, backend: EC2Backend, image: str, user_data: Any, kwargs: dict[str, Any]) -> None:
    if image not in backend.amis:
        raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
    wanted, found = architecture_of(kwargs["instance_type"]), backend.amis[image].architecture
    if found != wanted:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"The architecture '{wanted}' of the specified instance type does not match the architecture '{found}' "
            "of the specified AMI. Specify an instance type and an AMI that have matching architectures.",
        )
    _check_capacity(instances, kwargs["instance_type"])
    for mapping in kwargs.get("block_device_mappings", []):
        if mapping["DeviceName"] != backend.amis[image].root_device_name:
            raise EC2ClientError("UnsupportedOperation", "The simulation attaches further volumes by AttachVolume only")
    if user_data is not None and len(base64.b64decode(str(user_data))) > USER_DATA_BYTES:
        raise EC2ClientError("InvalidParameterValue", f"User data is limited to {USER_DATA_BYTES} bytes")


def _check_capacity(instances: Instances, instance_type: str) -> None:
    if is_among(instance_type, instances.faults.no_capacity):
        raise EC2ClientError(
            "InsufficientInstanceCapacity",
            f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested. "
            "Our system will be working on provisioning additional capacity.",
        )


def _choose_subnet(backend: EC2Backend, kwargs: dict[str, Any]) -> None:
    """Without a subnet, EC2 takes the default one of the zone."""
    nics = kwargs.get("nics") or []
    if kwargs.get("subnet_id") or any("SubnetId" in nic for nic in nics):
        return
    subnets = backend.get_default_subnets()
    subnet = subnets[kwargs.get("placement") or min(subnets)].id
    if nics:
        nics[0]["SubnetId"] = subnet
    else:
        kwargs["subnet_id"] = subnet


def _complete(instance: Instance, mappings: list[dict[str, Any]]) -> None:
    """What moto leaves out of an instance's record."""
    kept = any(str(mapping["Ebs"].get("DeleteOnTermination", "")).lower() == "false" for mapping in mappings)
    for _, device in instance.get_block_device_mapping:
        device.delete_on_termination = not kept
    instance.nics[0].delete_on_termination = True
    instance.security_groups = list(instance.nics[0].group_set)


def _change(instances: Instances, action: Callable[[Runtime], None]) -> Callable[..., list[tuple[Instance, InstanceState]]]:
    def change(backend: EC2Backend, ids: list[str]) -> list[tuple[Instance, InstanceState]]:
        changed = []
        for instance in backend.get_multi_instances_by_id(ids):
            before = instance._state
            action(instances[instance.id])
            changed.append((instance, before))
        return changed

    return change


def _state_changes(action: str, member: str) -> Callable[[InstanceResponse], ActionResult]:
    """moto answers with the state it expects; this answers with the state that there is."""

    def answer(response: InstanceResponse) -> ActionResult:
        response.error_on_dryrun()
        changed = getattr(response.ec2_backend, f"{action}_instances")(response._get_param("InstanceIds", []))
        return ActionResult(
            {
                member: [
                    {"InstanceId": instance.id, "CurrentState": instance._state, "PreviousState": before}
                    for instance, before in changed
                ]
            }
        )

    return answer


def _as_one(serialized: Callable[..., Any]) -> Callable[..., Any]:
    def answer(response: InstanceResponse, result: ActionResult) -> Any:
        with RECORD:
            return serialized(response, result)

    return answer


def _console_output(instances: Instances) -> Callable[[General], ActionResult]:
    def answer(response: General) -> ActionResult:
        instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
        console = instances[instance.id].machine.console
        text = console.read_bytes()[-CONSOLE_BYTES:] if console.exists() else b""
        return ActionResult(
            {"InstanceId": instance.id, "Timestamp": datetime.now(timezone.utc), "Output": base64.b64encode(text).decode()}
        )

    return answer
