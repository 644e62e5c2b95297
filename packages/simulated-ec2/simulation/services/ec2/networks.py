"""What EC2 refuses of VPCs, subnets, gateways, security groups and attributes, and moto lets pass. See the table in README.md."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance

from .images import architecture_of


def _living(backend: EC2Backend) -> list[Instance]:
    return [instance for instance in backend.all_instances() if instance.state != "terminated"]


def _dependency(message: str) -> EC2ClientError:
    return EC2ClientError("DependencyViolation", message)


def check_groups(backend: EC2Backend, subnet_id: str, group_ids: list[str]) -> None:
    """A network interface is in one VPC, and so are its security groups."""
    vpc = backend.get_subnet(subnet_id).vpc_id
    for identifier in group_ids:
        group = backend.get_security_group_from_id(identifier)
        if group is None:
            raise EC2ClientError("InvalidGroup.NotFound", f"The security group '{identifier}' does not exist")
        if group.vpc_id != vpc:
            raise EC2ClientError(
                "InvalidParameter", f"Security group {identifier} and subnet {subnet_id} belong to different networks."
            )


def _delete_group(original: Any) -> Any:
    def delete(backend: EC2Backend, name: str | None = None, group_id: str | None = None) -> Any:
        if any(group.id == group_id for instance in _living(backend) for group in instance.security_groups):
            raise _dependency(f"resource {group_id} has a dependent object")
        return original(backend, name, group_id)

    return delete


def _require_rules(backend: EC2Backend, identifiers: list[str]) -> None:
    rules = [identifier for identifier in identifiers if identifier.startswith("sgr-")]
    if rules:
        # Refuses an id that no rule has.
        backend.describe_security_group_rules(rules, {})


def _revoke_ingress(original: Any) -> Any:
    def revoke(backend: EC2Backend, *arguments: Any, **named: Any) -> Any:
        _require_rules(backend, named.get("security_rule_ids") or [])
        return original(backend, *arguments, **named)

    return revoke


def _exist(original: Any) -> Any:
    """Of CreateTags and DeleteTags."""

    def exist(backend: EC2Backend, resource_ids: list[str], *arguments: Any) -> Any:
        _require_rules(backend, resource_ids)
        return original(backend, resource_ids, *arguments)

    return exist


def _change_groups(original: Any) -> Any:
    def change(backend: EC2Backend, instance_id: str, new_group_id_list: list[str]) -> Any:
        check_groups(backend, backend.get_instance(instance_id).subnet_id, new_group_id_list)
        return original(backend, instance_id, new_group_id_list)

    return change


def _change_attribute(original: Any) -> Any:
    def change(backend: EC2Backend, instance_id: str, key: str, value: Any) -> Any:
        instance = backend.get_instance(instance_id)
        if key in ("instance_type", "user_data") and instance.state != "stopped":
            raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance_id}' is not in the 'stopped' state.")
        if key == "instance_type" and architecture_of(value) != architecture_of(instance.instance_type):
            raise EC2ClientError(
                "InvalidParameterValue", f"The architecture of type {value} does not match that of the instance's image"
            )
        return original(backend, instance_id, key, value)

    return change


def _attach_gateway(original: Any) -> Any:
    def attach(backend: EC2Backend, internet_gateway_id: str, vpc_id: str) -> Any:
        if any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in backend.internet_gateways.values()):
            raise EC2ClientError("Resource.AlreadyAssociated", f"resource {vpc_id} already has an internet gateway attached")
        return original(backend, internet_gateway_id, vpc_id)

    return attach


def _detach_gateway(original: Any) -> Any:
    def detach(backend: EC2Backend, internet_gateway_id: str, vpc_id: str) -> Any:
        if any(instance.vpc_id == vpc_id and instance.public_ip for instance in _living(backend)):
            raise _dependency(f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.")
        return original(backend, internet_gateway_id, vpc_id)

    return detach


def _delete_subnet(original: Any) -> Any:
    def delete(backend: EC2Backend, subnet_id: str) -> Any:
        if any(instance.subnet_id == subnet_id for instance in _living(backend)):
            raise _dependency(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return original(backend, subnet_id)

    return delete


def _delete_vpc(original: Any) -> Any:
    def delete(backend: EC2Backend, vpc_id: str) -> Any:
        groups = [group for group in backend.groups.get(vpc_id, {}).values() if group.name != "default"]
        gateways = [gateway for gateway in backend.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
        if groups or gateways:
            raise _dependency(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return original(backend, vpc_id)

    return delete


def install() -> None:
    for method, refusing in {
        "delete_security_group": _delete_group,
        "revoke_security_group_ingress": _revoke_ingress,
        "do_resources_exist": _exist,
        "delete_tags": _exist,
        "modify_instance_security_groups": _change_groups,
        "modify_instance_attribute": _change_attribute,
        "attach_internet_gateway": _attach_gateway,
        "detach_internet_gateway": _detach_gateway,
        "delete_subnet": _delete_subnet,
        "delete_vpc": _delete_vpc,
    }.items():
        setattr(EC2Backend, method, refusing(getattr(EC2Backend, method)))
