"""Runs the simulation until it is told to stop. Started by ../sim.sh, in namespaces of its own."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import ssl
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Before moto is imported: it reads these once.
os.environ.setdefault("MOTO_ENABLE_AMI_VALIDATION", "true")
os.environ.setdefault("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true")
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")

import logging  # noqa: E402
import socket  # noqa: E402

from moto.ecr import models as ecr_models  # noqa: E402
from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

from .api import Api  # noqa: E402
from .certificates import Authority  # noqa: E402
from .cloud import Cloud  # noqa: E402
from .commands import run  # noqa: E402
from .metadata import MetadataServer  # noqa: E402
from .nameserver import Nameserver  # noqa: E402
from .network import Network  # noqa: E402
from .registry import Registry  # noqa: E402
from .settings import (  # noqa: E402
    ADMIN_ACCESS_KEY,
    ADMIN_SECRET_KEY,
    DOMAIN,
    DOWNLOADS_HOST,
    METADATA_ADDRESS,
    NAMESERVER_ADDRESS,
    REGIONS,
    Settings,
)
from .volumes import Volumes  # noqa: E402

BINFMT = Path("/proc/sys/fs/binfmt_misc")
#: ELF, 64 bit, little endian, executable or shared, machine 183 (AArch64).
ARM64_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
ARM64_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


class Emulation:
    """QEMU for arm64 programs, in the kernel and so in every machine. Removed at the end if it was not there before."""

    def __init__(self, name: str) -> None:
        self._entry = BINFMT / name
        self._name = name

    def start(self) -> None:
        self.stop()
        if not (BINFMT / "register").exists():
            run("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
        if (BINFMT / "qemu-aarch64").exists():
            return
        emulator = next((path for path in ("/usr/bin/qemu-aarch64-static", "/usr/bin/qemu-aarch64") if os.path.exists(path)), None)
        if emulator is None:
            raise SystemExit("no QEMU for arm64: install qemu-user-static (Debian 13: qemu-user-binfmt)")
        (BINFMT / "register").write_text(f":{self._name}:M::{ARM64_MAGIC}:{ARM64_MASK}:{emulator}:F")

    def stop(self) -> None:
        if self._entry.exists():
            self._entry.write_text("-1")


class HostNames:
    """The lines of /etc/hosts by which this machine finds the registry, between two marks."""

    def __init__(self, settings: Settings) -> None:
        self._names = settings.host_names()
        self._begin, self._end = f"# {settings.name} begin", f"# {settings.name} end"

    def _write(self, lines: list[str]) -> None:
        with open("/etc/hosts", "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = file.read().splitlines()
            kept, inside = [], False
            for line in before:
                if line == self._begin:
                    inside = True
                elif line == self._end:
                    inside = False
                elif not inside:
                    kept.append(line)
            file.seek(0)
            file.truncate()
            file.write("\n".join(kept + lines) + "\n")

    def start(self) -> None:
        self._write([self._begin, *(f"{address} {name}" for name, address in self._names.items()), self._end])

    def stop(self) -> None:
        self._write([])


class _Downloads(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass


def _serve_downloads(settings: Settings, context: ssl.SSLContext) -> None:
    server = ThreadingHTTPServer((settings.downloads_address, 443), partial(_Downloads, directory=str(settings.cache / "downloads")))
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _environment(settings: Settings, authority: Authority, clients: Path) -> dict[str, str]:
    region = REGIONS[0]
    environment = {
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
        "SIM_CA": str(authority.certificate_file),
        "SIM_CLIENTS": str(clients),
        "SIM_CLIENT_CIDR": f"{settings.api_address}/32",
        "SIM_REGISTRY": settings.registry_host(region),
    }
    for name, suffix in (("AMD64", "amd64"), ("ARM64", "arm64")):
        archive = next((settings.cache / "downloads").glob(f"buildkit-*.linux-{suffix}.tar.gz"))
        environment[f"SIM_BUILDKIT_URL_{name}"] = f"https://{DOWNLOADS_HOST}/{archive.name}"
        environment[f"SIM_BUILDKIT_SHA256_{name}"] = hashlib.sha256(archive.read_bytes()).hexdigest()
    return environment


def _control_groups(name: str) -> Path:
    unified = Path("/sys/fs/cgroup/unified")
    return (unified if unified.exists() else Path("/sys/fs/cgroup")) / name


def _ecr_host(settings: Settings) -> None:
    create = ecr_models.Repository.__init__

    def initialise(self: ecr_models.Repository, *args: object, **kwargs: object) -> None:
        create(self, *args, **kwargs)
        self.uri = f"{settings.registry_host(self.region_name)}/{self.name}"

    ecr_models.Repository.__init__ = initialise


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated EC2 account (test equipment)")
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--clients", type=Path, required=True)
    given = parser.parse_args()
    settings = Settings(slot=given.slot, state=given.state, cache=given.cache)
    settings.state.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())

    authority = Authority(settings.cache / "ca")
    network, volumes = Network(settings), Volumes(settings.state / "volumes")
    control_groups = _control_groups(settings.name)
    cloud = Cloud(settings, network, volumes, given.template, control_groups)
    emulation, host_names = Emulation(settings.name), HostNames(settings)
    api = Api(settings, cloud, stopping.set)
    registry = Registry(settings, api.record_registry)
    api.registry = registry
    try:
        emulation.start()
        network.start()
        _ecr_host(settings)
        cloud.install()
        cloud.publish_images()
        names = [f"{service}.{region}.amazonaws.com" for region in REGIONS for service in ("ec2", "ssm", "sts", "api.ecr", "kms", "logs")]
        names += ["sts.amazonaws.com", "iam.amazonaws.com"]
        resolved = {name: settings.api_address for name in names}
        resolved |= settings.host_names() | {DOWNLOADS_HOST: settings.downloads_address}
        Nameserver(network.socket_in_router(socket.SOCK_DGRAM, NAMESERVER_ADDRESS, 53), resolved.get)
        metadata = MetadataServer(
            network.socket_in_router(socket.SOCK_STREAM, METADATA_ADDRESS, 80), cloud.facts, cloud.credentials, cloud.metadata_delay
        )
        threading.Thread(target=metadata.serve_forever, daemon=True).start()
        _serve_downloads(settings, authority.server_context([DOWNLOADS_HOST], settings.state / "tls-downloads"))
        registry.start(authority.server_context([settings.registry_host(region) for region in REGIONS], settings.state / "tls-registry"))
        api.environment = _environment(settings, authority, given.clients)
        host_names.start()
        secure = authority.server_context(names, settings.state / "tls-api")
        for address, port, context in (("127.0.0.1", settings.api_port, None), (settings.api_address, 443, secure)):
            server = make_server(address, port, api, threaded=True, request_handler=MotoRequestHandler, ssl_context=context)
            threading.Thread(target=server.serve_forever, daemon=True).start()
        (settings.state / "environment.json").write_text(json.dumps(api.environment, indent=2))
        print(f"simulated EC2 of {DOMAIN}, slot {settings.slot}: {settings.endpoint}", file=sys.stderr, flush=True)
        stopping.wait()
    finally:
        (settings.state / "environment.json").unlink(missing_ok=True)
        cloud.stop()
        registry.stop()
        host_names.stop()
        network.stop()
        emulation.stop()
        if control_groups.exists():
            for folder, _, _ in os.walk(control_groups, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
    # Reached only by being told to stop: what failed leaves its log behind.
    shutil.rmtree(settings.state, ignore_errors=True)


if __name__ == "__main__":
    main()
