"""What the person who starts the simulation may choose, and the addresses that follow from it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT = "123456789012"
REGIONS = ("eu-central-1", "us-east-1")
ADMIN_ACCESS_KEY = "AKIASIMULATION000000"
ADMIN_SECRET_KEY = "simulation"

METADATA_ADDRESS = "169.254.169.254"
NAMESERVER_ADDRESS = "169.254.169.253"

DOMAIN = "simulated-ec2.test"
DOWNLOADS_HOST = f"downloads.{DOMAIN}"


def _seconds(name: str, default: float) -> float:
    return float(os.environ.get(name, default))


@dataclass(frozen=True)
class Settings:
    """`slot` separates simulations that run on one machine at the same time: each has its own addresses."""

    slot: int
    state: Path
    #: EC2 takes about 20 s from StartInstances to running and up to a minute from StopInstances to stopped.
    pending_seconds: float = field(default_factory=lambda: _seconds("SIM_PENDING_SECONDS", 1))
    stopping_seconds: float = field(default_factory=lambda: _seconds("SIM_STOPPING_SECONDS", 1))
    #: How long an ECR login is valid.
    login_seconds: float = field(default_factory=lambda: _seconds("SIM_LOGIN_SECONDS", 12 * 3600))

    @property
    def name(self) -> str:
        """Name of the router's namespace, of the host's interface and of the control group."""
        return f"simec2-{self.slot}"

    def _address(self, third: int, fourth: int) -> str:
        # 198.18.0.0/15 is reserved for tests of network equipment (RFC 2544): no such host exists on the Internet.
        return f"198.18.{16 * self.slot + third}.{fourth}"

    @property
    def network(self) -> str:
        return f"{self._address(0, 0)}/20"

    @property
    def api_address(self) -> str:
        """Also the address from which this machine talks to the simulated ones."""
        return self._address(0, 1)

    @property
    def registry_address(self) -> str:
        return self._address(0, 2)

    @property
    def downloads_address(self) -> str:
        return self._address(0, 3)

    @property
    def archives_address(self) -> str:
        return self._address(0, 4)

    @property
    def router_address(self) -> str:
        return self._address(0, 254)

    def public_address(self, number: int) -> str:
        """The `number`th address handed out: never the same twice in a row, as on EC2."""
        number %= 15 * 254
        return self._address(1 + number // 254, 1 + number % 254)

    def registry_host(self, region: str) -> str:
        return f"{ACCOUNT}.dkr.ecr.{region}.sim{self.slot}.{DOMAIN}"

    @property
    def environment_file(self) -> Path:
        return self.state / "environment.json"

    @property
    def downloads(self) -> Path:
        """Files that machines can get from DOWNLOADS_HOST by HTTPS."""
        return self.state / "downloads"

    @property
    def api_port(self) -> int:
        return 4566 + self.slot

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def host_names(self) -> dict[str, str]:
        """Names that this machine, too, has to resolve."""
        names = {self.registry_host(region): self.registry_address for region in REGIONS}
        if self.slot == 0:
            names[DOWNLOADS_HOST] = self.downloads_address
        return names
