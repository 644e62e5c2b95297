"""What policies see of a call: the resources it is about, their tags, and what AWS asks a permission for besides."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.ssm.models import ssm_backends

from ..settings import ACCOUNT, REGIONS
from .call import Call

#: EC2's ids tell by their prefix what they are ids of.
EC2_KINDS = {
    "ami": "image",
    "eni": "network-interface",
    "i": "instance",
    "igw": "internet-gateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
}
EC2_ID = re.compile(rf"({'|'.join(EC2_KINDS)})-[0-9a-f]+")
#: Parameters whose ids say what is looked for, or who may connect, not what the call acts on.
NOT_ACTED_ON = ("Filter.", "IpPermissions.")

#: Parameters that name a resource, by service, and how its ARN ends.
NAMES = {
    "ssm": {"Name": "parameter/{}", "Names": "parameter/{}", "Path": "parameter/{}", "ResourceId": "parameter/{}"},
    "ecr": {"repositoryName": "repository/{}", "repositoryNames": "repository/{}", "resourceArn": "{}"},
    "iam": {
        "RoleName": "role/{}",
        "InstanceProfileName": "instance-profile/{}",
        "OpenIDConnectProviderArn": "{}",
        "Url": "oidc-provider/{}",
    },
    "sts": {"RoleArn": "{}"},
}


def resources(call: Call) -> list[str]:
    """ARNs; `*` where the call names nothing."""
    found = _ec2_resources(call) if call.service == "ec2" else _named_resources(call)
    return list(dict.fromkeys(found)) or ["*"]


def _ec2_resources(call: Call) -> list[str]:
    found = []
    for name, value in call.parameters.items():
        match = EC2_ID.fullmatch(str(value))
        if match and not name.startswith(NOT_ACTED_ON):
            kind = EC2_KINDS[match[1]]
            # Images and snapshots are not of this account only, and have none in their ARNs.
            owner = "" if kind in ("image", "snapshot") else ACCOUNT
            found.append(f"arn:aws:ec2:{call.region}:{owner}:{kind}/{value}")
    return found


def _named_resources(call: Call) -> list[str]:
    found = []
    for parameter, form in NAMES.get(call.service, {}).items():
        value = call.parameters.get(parameter, [])
        for name in value if isinstance(value, list) else [value]:
            name = str(name).removeprefix("https://").lstrip("/")
            if name.startswith("arn:"):
                found.append(name)
                continue
            region = "" if call.service == "iam" else call.region
            # AWS's own parameters are nobody's.
            owner = "" if call.service == "ssm" and name.startswith("aws/") else ACCOUNT
            found.append(f"arn:aws:{call.service}:{region}:{owner}:{form.format(name)}")
    return found


def facts(call: Call) -> dict[str, Any]:
    """What conditions and further permissions depend on, and only the account knows. What there is none of is left out."""
    found = {"resourceTags": _tags(call), "passedRoles": _passed_roles(call), "keys": _keys(call), "identity": _identity(call)}
    return {name: value for name, value in found.items() if value}


def _tags(call: Call) -> dict[str, dict[str, str]]:
    if call.service != "ec2" or call.region not in REGIONS:
        return {}
    tags = ec2_backends[ACCOUNT][call.region].tags
    return {arn: dict(tags[arn.split("/")[-1]]) for arn in resources(call) if arn.split("/")[-1] in tags}


def _passed_roles(call: Call) -> list[str]:
    """The roles that the call gives to instances."""
    iam = iam_backends[ACCOUNT]["aws"]
    if call.action == "AddRoleToInstanceProfile":
        return [role.arn for role in list(iam.roles.values()) if role.name == call.parameters.get("RoleName")]
    if call.service != "ec2":
        return []
    name, arn = call.parameters.get("IamInstanceProfile.Name"), call.parameters.get("IamInstanceProfile.Arn")
    profiles = [profile for profile in list(iam.instance_profiles.values()) if profile.name == name or profile.arn == arn]
    return [role.arn for profile in profiles for role in profile.roles]


def _keys(call: Call) -> dict[str, str]:
    """The customer keys of stored parameters and of volumes that are in use. AWS's own need no permission of the caller."""
    if call.service not in ("ec2", "ssm") or call.region not in REGIONS:
        return {}
    found: dict[str, str | None] = {}
    for arn in resources(call):
        kind, _, name = arn.split(":")[-1].partition("/")
        if kind == "parameter":
            found[arn] = _key_of_parameter(call.region, name)
        elif kind == "volume":
            found[arn] = _key_of_volume(call.region, name)
        elif kind == "instance":
            for volume in list(ec2_backends[ACCOUNT][call.region].volumes.values()):
                if volume.attachment and volume.attachment.instance.id == name:
                    found[f"{arn.rsplit(':', 1)[0]}:volume/{volume.id}"] = _key_of_volume(call.region, volume.id)
    return {arn: key for arn, key in found.items() if key}


def _key_of_parameter(region: str, name: str) -> str | None:
    stored = ssm_backends[ACCOUNT][region]._parameters
    versions = stored.get(f"/{name}") or stored.get(name) or []
    key = versions[-1].keyid if versions and versions[-1].parameter_type == "SecureString" else None
    return key if key and ":key/" in key else None


def _key_of_volume(region: str, identifier: str) -> str | None:
    ec2 = ec2_backends[ACCOUNT][region]
    volume = ec2.volumes.get(identifier)
    return volume.kms_key_id if volume and volume.encrypted and volume.kms_key_id != ec2.default_kms_key_id else None


def _identity(call: Call) -> dict[str, Any]:
    """Whose word an identity token is, and what it says, true or not; nothing of a token that is none."""
    if call.action != "AssumeRoleWithWebIdentity":
        return {}
    claims = unverified_claims(str(call.parameters.get("WebIdentityToken", "")))
    issuer = str(claims.get("iss", ""))
    return {"provider": provider_arn(issuer), "issuer": issuer.removeprefix("https://"), "claims": claims} if claims else {}


def unverified_claims(token: str) -> dict[str, Any]:
    """None of a token that is none."""
    try:
        text = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def provider_arn(issuer: str) -> str:
    """Of the account's OIDC provider for an issuer."""
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.removeprefix('https://')}"
