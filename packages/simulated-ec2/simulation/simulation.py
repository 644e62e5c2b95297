"""The whole: what it is made of, in the order in which it starts and ends."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.wrappers import Response

from .certificates import Authority
from .environment import environment
from .faults import Faults
from .front import caller_address
from .front.api import Api
from .front.authorizer import Authorizer
from .front.call import Call
from .front.control import Control
from .front.log import CallLog, registry_entry
from .host import control_groups
from .host.aws_command import AwsCommand
from .host.block_devices import BlockDevices
from .host.emulation import Emulation
from .host.host_names import HostNames
from .host.nameserver import Nameserver
from .host.network import Network
from .servers import serve
from .services import ecr
from .services.ec2 import groups, images, launch, networks, volumes
from .services.ec2.instances import Hardware, Instances
from .services.identity_tokens import Sts
from .services.instance_facts import InstanceFacts, facts_of
from .services.logins import Logins
from .services.metadata import MetadataServer
from .services.package_archives import PackageArchives, archive_hosts
from .services.registry import Registry
from .services.registry_front import RegistryFront
from .services.ssm import Ssm
from .services.sts import Sessions
from .settings import DOWNLOADS_HOST, METADATA_ADDRESS, NAMESERVER_ADDRESS, REGIONS, Settings

#: Services that machines find by name; `iam` and the oldest endpoint of `sts` have no region.
NAMES = [f"{service}.{region}.amazonaws.com" for region in REGIONS for service in ("ec2", "ssm", "sts", "api.ecr", "kms", "logs")]
GLOBAL_NAMES = ["sts.amazonaws.com", "iam.amazonaws.com"]


@dataclass(frozen=True)
class Prepared:
    """What prepare.sh has made."""

    cache: Path
    #: The machines' root file system.
    template: Path
    #: Folder of the AWS command line.
    clients: Path


class Simulation:
    """`stop` is called when the control API is told to."""

    def __init__(self, settings: Settings, prepared: Prepared, stop: Callable[[], None]) -> None:
        self._settings = settings
        self._authority = Authority(prepared.cache / "ca")
        self._archive_hosts = archive_hosts(prepared.template)
        self._archives = PackageArchives(prepared.cache / "archives")
        self._network = Network(settings)
        self._block_devices = BlockDevices(settings.state / "volumes")
        self._control_groups = control_groups.folder_of(settings.name)
        self._emulation = Emulation(settings.name)
        self._aws_command = AwsCommand(settings.state / "aws", prepared.clients)
        self._host_names = HostNames(settings.name, settings.host_names())
        self._faults = Faults()
        hardware = Hardware(self._network, self._block_devices, prepared.template, self._control_groups)
        self._instances = Instances(settings, self._faults, hardware)
        self._sessions = Sessions()
        self._registry = Registry(settings.state / "registry")
        self._logins = Logins()
        self._log = CallLog(settings.state / "calls.jsonl")
        self._sts = Sts()
        self._authorizer = Authorizer()
        self._control = Control(self._faults, self._instances, self._authorizer, self._log, self._sts.set_issuer_keys, stop)

    def start(self) -> None:
        self._aws_command.start()
        self._registry.start()
        self._emulation.start()
        self._network.start()
        self._replace_moto()
        self._serve_machines()
        self._serve_registry()
        self._serve_downloads()
        self._serve_archives()
        self._host_names.start()
        self._registry.await_answer()
        self._serve_api()
        found = environment(self._settings, self._authority.certificate_file, self._aws_command.programs)
        # Last: whoever waits for this file finds everything there.
        unfinished = self._settings.state / "environment.unfinished"
        unfinished.write_text(json.dumps(found, indent=2))
        unfinished.rename(self._settings.environment_file)

    def stop(self) -> None:
        self._settings.environment_file.unlink(missing_ok=True)
        self._instances.end()
        self._block_devices.end()
        self._registry.stop()
        self._aws_command.stop()
        self._host_names.stop()
        self._network.stop()
        self._emulation.stop()
        control_groups.remove(self._control_groups)

    def _replace_moto(self) -> None:
        ecr.install(self._settings)
        launch.install(self._instances)
        volumes.install(self._instances)
        networks.install()
        images.publish()

    def _serve_machines(self) -> None:
        """What a machine finds at its link-local addresses."""
        settings, network = self._settings, self._network
        resolved = {name: settings.api_address for name in NAMES + GLOBAL_NAMES}
        resolved |= settings.host_names() | {DOWNLOADS_HOST: settings.downloads_address}
        resolved |= dict.fromkeys(self._archive_hosts, settings.archives_address)
        Nameserver(network.socket_in_router(socket.SOCK_DGRAM, NAMESERVER_ADDRESS, 53), resolved.get)
        listener = network.socket_in_router(socket.SOCK_STREAM, METADATA_ADDRESS, 80)
        metadata = MetadataServer(
            listener, self._facts, lambda facts: self._sessions.of(facts.instance_id, facts.role or ""), self._metadata_delay
        )
        threading.Thread(target=metadata.serve_forever, daemon=True).start()

    def _facts(self, address: str) -> InstanceFacts | None:
        runtime = self._instances.at(address)
        return runtime and facts_of(runtime)

    def _metadata_delay(self, address: str) -> float:
        runtime = self._instances.at(address)
        return runtime.machine.seconds_until(self._faults.metadata_delay_seconds) if runtime else 0

    def _serve_registry(self) -> None:
        front = RegistryFront(self._settings, self._registry, self._logins, self._enter)
        names = [self._settings.registry_host(region) for region in REGIONS]
        serve(self._settings.registry_address, 443, front, self._authority.server_context(names, self._settings.state / "tls-registry"))

    def _enter(self, action: str, resource: str, principal: str) -> str | None:
        """A request to the registry. Why it is refused; None: it is not."""
        entry = registry_entry(action, resource, principal)
        self._log.add(entry)
        return self._authorizer.refusal(entry)

    def _serve_downloads(self) -> None:
        self._settings.downloads.mkdir(exist_ok=True)
        files = SharedDataMiddleware(Response(status=404), {"/": str(self._settings.downloads)})
        context = self._authority.server_context([DOWNLOADS_HOST], self._settings.state / "tls-downloads")
        serve(self._settings.downloads_address, 443, files, context)

    def _serve_archives(self) -> None:
        address = self._settings.archives_address
        serve(address, 80, self._archives)
        context = self._authority.server_context(self._archive_hosts, self._settings.state / "tls-archives")
        serve(address, 443, self._archives, context)

    def _serve_api(self) -> None:
        services = {
            "ssm": Ssm(self._faults),
            "sts": self._sts,
            "ecr": ecr.Ecr(self._settings, self._faults, self._registry, self._logins),
        }
        api = Api(self._faults, self._sessions, self._authorizer, self._log, self._control, services, self._after)
        serve("127.0.0.1", self._settings.api_port, api)
        serve(self._settings.api_address, 80, caller_address.answer)
        context = self._authority.server_context(NAMES + GLOBAL_NAMES, self._settings.state / "tls-api")
        serve(self._settings.api_address, 443, api, context)

    def _after(self, call: Call) -> None:
        if call.service == "ec2" and "SecurityGroup" in call.action and not call.action.startswith("Describe"):
            groups.refresh(self._network, self._instances.all())
