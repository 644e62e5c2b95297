"""What the metadata service tells an instance about itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from moto.ec2.models.instances import Instance

from ..settings import ACCOUNT
from .ec2.runtime import Runtime
from .sts import Credentials


@dataclass(frozen=True)
class InstanceFacts:
    instance_id: str
    instance_type: str
    image_id: str
    region: str
    zone: str
    private_address: str
    public_address: str | None
    host_name: str
    mac: str
    security_groups: list[str]
    architecture: str
    #: Base64, as the API stores it.
    user_data: str | None
    profile_arn: str | None
    role: str | None
    tokens_required: bool
    hop_limit: int
    enabled: bool
    tags: dict[str, str] | None


def facts_of(runtime: Runtime) -> InstanceFacts | None:
    """None: the instance is plugged in nowhere."""
    instance, attachment = runtime.instance, runtime.attachment
    if attachment is None:
        return None
    profile_arn, role = _profile(instance)
    options = instance.metadata_options
    shows_tags = options.instance_metadata_tags == "enabled"
    return InstanceFacts(
        instance_id=instance.id,
        instance_type=instance.instance_type,
        image_id=instance.image_id,
        region=instance.region_name,
        zone=instance.availability_zone or "",
        private_address=attachment.private_address,
        public_address=attachment.public_address,
        host_name=instance.private_dns_name,
        mac=instance.nics[0].mac_address,
        security_groups=[group.name for group in instance.security_groups],
        architecture=instance.architecture or "x86_64",
        user_data=str(instance.user_data) if instance.user_data else None,
        profile_arn=profile_arn,
        role=role,
        tokens_required=options.http_tokens == "required",
        hop_limit=int(options.http_put_response_hop_limit),
        enabled=options.http_endpoint == "enabled",
        tags={tag["key"]: tag["value"] for tag in instance.get_tags()} if shows_tags else None,
    )


def _profile(instance: Instance) -> tuple[str | None, str | None]:
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    if association is None:
        return None, None
    profile = association.iam_instance_profile
    return profile.arn, profile.roles[0].name if profile.roles else None


def look_up(facts: InstanceFacts, path: str, credentials: Callable[[], Credentials]) -> str | bytes | None:
    """What is at a path of the service; a folder lists its children. None: nothing."""
    if path == "/latest/user-data":
        return base64.b64decode(facts.user_data) if facts.user_data else None
    if path == "/latest/dynamic/instance-identity/document":
        return json.dumps(
            {
                "accountId": ACCOUNT,
                "architecture": facts.architecture,
                "availabilityZone": facts.zone,
                "imageId": facts.image_id,
                "instanceId": facts.instance_id,
                "instanceType": facts.instance_type,
                "privateIp": facts.private_address,
                "region": facts.region,
                "version": "2017-09-30",
            },
            indent=2,
        )
    prefix = "/latest/meta-data"
    if not path.startswith(prefix):
        return None
    leaves = _leaves(facts, credentials)
    name = path[len(prefix) :].strip("/")
    if name in leaves:
        return leaves[name]
    # A folder lists its children, folders with a slash.
    start = f"{name}/" if name else ""
    children = sorted({leaf[len(start) :].split("/")[0] + ("/" if "/" in leaf[len(start) :] else "") for leaf in leaves if leaf.startswith(start)})
    return "\n".join(children) if children else None


def _leaves(facts: InstanceFacts, credentials: Callable[[], Credentials]) -> dict[str, str]:
    leaves = {
        "ami-id": facts.image_id,
        "hostname": facts.host_name,
        "instance-id": facts.instance_id,
        "instance-type": facts.instance_type,
        "local-hostname": facts.host_name,
        "local-ipv4": facts.private_address,
        "mac": facts.mac,
        "placement/availability-zone": facts.zone,
        "placement/region": facts.region,
        "security-groups": "\n".join(facts.security_groups),
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
    }
    if facts.public_address:
        leaves["public-ipv4"] = facts.public_address
    for name, value in (facts.tags or {}).items():
        leaves[f"tags/instance/{name}"] = value
    if facts.role and facts.profile_arn:
        now = datetime.now(timezone.utc)
        given = credentials()
        stamp = "%Y-%m-%dT%H:%M:%SZ"
        leaves["iam/info"] = json.dumps(
            {"Code": "Success", "LastUpdated": now.strftime(stamp), "InstanceProfileArn": facts.profile_arn}, indent=2
        )
        leaves[f"iam/security-credentials/{facts.role}"] = json.dumps(
            {
                "Code": "Success",
                "LastUpdated": (given.expires - timedelta(hours=6)).strftime(stamp),
                "Type": "AWS-HMAC",
                "AccessKeyId": given.access_key,
                "SecretAccessKey": given.secret_key,
                "Token": given.token,
                "Expiration": given.expires.strftime(stamp),
            },
            indent=2,
        )
    return leaves
