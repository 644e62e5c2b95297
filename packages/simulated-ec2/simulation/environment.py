"""What a shell, or a test, needs to use the simulation."""

from __future__ import annotations

from pathlib import Path

from .settings import ADMIN_ACCESS_KEY, ADMIN_SECRET_KEY, DOWNLOADS_HOST, REGIONS, Settings


def environment(settings: Settings, authority: Path, clients: Path) -> dict[str, str]:
    """`authority` is a certificate file, `clients` the folder of the AWS command line."""
    region = REGIONS[0]
    return {
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_ACCESS_KEY_ID": ADMIN_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ADMIN_SECRET_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Go programs find the registry's authority here.
        "SSL_CERT_DIR": f"/etc/ssl/certs:{settings.state / 'trust'}",
        "PULUMI_HOME": str(settings.state / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{settings.state / 'stacks'}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "SIM_CONTROL": f"{settings.endpoint}/simulation",
        "SIM_STATE": str(settings.state),
        "SIM_CA": str(authority),
        "SIM_CLIENTS": str(clients),
        # Answers with the address that it is asked from.
        "SIM_ADDRESS_URL": f"http://{settings.api_address}/",
        "SIM_CLIENT_CIDR": f"{settings.api_address}/32",
        "SIM_REGISTRY": settings.registry_host(region),
        "SIM_DOWNLOADS": str(settings.downloads),
        "SIM_DOWNLOADS_URL": f"https://{DOWNLOADS_HOST}",
    }
