"""Security groups: the rules that an instance's groups come to, for the packet filter of its network."""

from __future__ import annotations

from collections.abc import Iterable

from moto.ec2.models.instances import Instance

from ...host.network import Network, Rule
from .runtime import Runtime


def rules_of(instance: Instance, others: Iterable[Runtime]) -> tuple[list[Rule], list[Rule]]:
    """Inward and outward. `others` are looked up where a rule names a group instead of addresses."""
    directions: tuple[list[Rule], list[Rule]] = ([], [])
    groups = {group.id: group for group in [*instance.security_groups, *instance.nics[0].group_set]}
    for group in groups.values():
        for rules, found in zip((group.ingress_rules, group.egress_rules), directions, strict=True):
            for rule in rules:
                ports = (None, None) if rule.from_port is None else (int(rule.from_port), int(rule.to_port))
                cidrs = [value for name, value in rule.ip_range.items() if name.startswith("Cidr")]
                if rule.source_group:
                    cidrs += _members(rule.source_group.get("GroupId", ""), others)
                found.extend(Rule(rule.ip_protocol or "-1", *ports, cidr) for cidr in cidrs if cidr)
    return directions


def _members(group_id: str, runtimes: Iterable[Runtime]) -> list[str]:
    return [
        f"{runtime.attachment.private_address}/32"
        for runtime in runtimes
        if runtime.attachment and any(group.id == group_id for group in runtime.instance.security_groups)
    ]


def refresh(network: Network, runtimes: list[Runtime]) -> None:
    """After a change of a security group."""
    for runtime in runtimes:
        with runtime.lock:
            if runtime.attachment and runtime.machine.leader():
                network.set_rules(runtime.attachment, *rules_of(runtime.instance, runtimes))
