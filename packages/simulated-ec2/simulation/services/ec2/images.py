"""Machine images: Debian's, as its own account publishes them, and the public parameters that name them."""

from __future__ import annotations

import fnmatch

from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami

from ...settings import ACCOUNT, REGIONS

DEBIAN_OWNER = "136693071363"
#: EC2's word by that of the public parameters.
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
PARAMETERS = "/aws/service/debian/release/13/latest/"
RELEASES = (1, 2, 3)
#: Generations of Graviton instances: a family's digit is followed by `g`, as in c7g, m8gd, t4g.
GRAVITON = "[a-z]*[0-9]g*.*"


def architecture_of(instance_type: str) -> str:
    return "arm64" if fnmatch.fnmatch(instance_type, GRAVITON) else "x86_64"


def image_id(architecture: str, release: int) -> str:
    return f"ami-{0xDEB1A0000000 + release * 256 + sorted(ARCHITECTURES).index(architecture):017x}"


def named_by(parameter: str, release: int) -> str | None:
    """The image that a public parameter names."""
    architecture = parameter.removeprefix(PARAMETERS)
    return image_id(architecture, release) if parameter.startswith(PARAMETERS) and architecture in ARCHITECTURES else None


def publish() -> None:
    for region in REGIONS:
        backend = ec2_backends[ACCOUNT][region]
        for release in RELEASES:
            for architecture, name in ARCHITECTURES.items():
                ami = Ami(
                    backend,
                    image_id(architecture, release),
                    name=f"debian-13-{architecture}-2026110{release}-0000",
                    owner_id=DEBIAN_OWNER,
                    public=True,
                    virtualization_type="hvm",
                    architecture=name,
                    hypervisor="xen",
                    root_device_type="ebs",
                    root_device_name="/dev/xvda",
                    region_name=f"{region}a",
                )
                backend.amis[ami.id] = ami
        # Ami() leaves a snapshot behind in this account; on AWS it is Debian's.
        backend.snapshots.clear()
