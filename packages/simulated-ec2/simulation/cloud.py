"""EC2 as strict as AWS: instance and volume states with their delays and refusals, on top of moto's records.

moto keeps the records and speaks the API; its methods that change the state of an instance or a volume are replaced by
the ones here, which also drive the machines.
"""

from __future__ import annotations

import base64
import fnmatch
import secrets
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.models.instances import Instance, InstanceState, StateReason
from moto.ec2.responses.general import General
from moto.ec2.responses.instances import InstanceResponse

from . import refusals
from .machine import Machine
from .metadata import Credentials, InstanceFacts
from .network import Attachment, Network, Rule
from .settings import ACCOUNT, REGIONS, Settings
from .volumes import Volumes

STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

#: Images by their public parameter. Debian's own account owns them.
DEBIAN_OWNER = "136693071363"
IMAGES = {"amd64": "x86_64", "arm64": "arm64"}

USER_INITIATED = StateReason("Client.UserInitiatedShutdown: User initiated shutdown", "Client.UserInitiatedShutdown")
INSTANCE_INITIATED = StateReason(
    "Client.InstanceInitiatedShutdown: Instance initiated shutdown", "Client.InstanceInitiatedShutdown"
)
NO_CAPACITY = StateReason(
    "Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request",
    "Server.InsufficientInstanceCapacity",
)


def image_id(architecture: str, release: int = 1) -> str:
    return f"ami-{0xDEB1A0000000 + release * 256 + sorted(IMAGES).index(architecture):017x}"


@dataclass
class Faults:
    """What a test can make go wrong. Set through the control API."""

    #: Instance types (patterns) that RunInstances and StartInstances refuse with InsufficientInstanceCapacity.
    no_capacity: list[str] = field(default_factory=list)
    #: Instance types (patterns) that are accepted, stay pending for a while and fall back to stopped.
    no_capacity_late: list[str] = field(default_factory=list)
    #: For so long after power-on an instance's metadata service does not answer.
    metadata_delay_seconds: float = 0
    #: API actions (patterns, as `ec2:StartInstances`) that are refused with RequestLimitExceeded.
    throttled: list[str] = field(default_factory=list)
    #: API actions (patterns) that are done, and whose answer never comes while they are here.
    unanswered: list[str] = field(default_factory=list)
    #: API actions (patterns) that are refused with AccessDenied.
    denied: list[str] = field(default_factory=list)
    #: Seconds by API action (pattern) that it takes to answer.
    slow: dict[str, float] = field(default_factory=dict)
    #: Seconds an instance stays pending and stopping; None: as set at the start of the simulation.
    pending_seconds: float | None = None
    stopping_seconds: float | None = None
    #: How long a new registry login is valid; None: as set at the start.
    login_seconds: float | None = None
    #: Release of the Debian image that the public parameters name: raise it to publish a new one.
    debian_release: int = 1


@dataclass
class Runtime:
    """What moto does not know of an instance."""

    instance: Instance
    machine: Machine
    attachment: Attachment | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)


class Cloud:
    def __init__(self, settings: Settings, network: Network, volumes: Volumes, template: Path, control_groups: Path) -> None:
        self.settings = settings
        self.network = network
        self.volumes = volumes
        self.faults = Faults()
        self._template = template
        self._control_groups = control_groups
        self._runtimes: dict[str, Runtime] = {}
        self._sessions: dict[str, tuple[Credentials, str]] = {}
        self._lock = threading.RLock()
        self._addresses = 0
        self._launching = threading.local()
        self.stopped = False

    # Records

    def publish_images(self) -> None:
        for region in REGIONS:
            for release in (1, 2, 3):
                for architecture, name in IMAGES.items():
                    backend = ec2_backends[ACCOUNT][region]
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
            ec2_backends[ACCOUNT][region].snapshots.clear()

    def public_parameter(self, name: str) -> str | None:
        prefix = "/aws/service/debian/release/13/latest/"
        architecture = name.removeprefix(prefix)
        if name.startswith(prefix) and architecture in IMAGES:
            return image_id(architecture, self.faults.debian_release)
        return None

    def runtime(self, instance_id: str) -> Runtime:
        return self._runtimes[instance_id]

    def machines(self) -> list[Machine]:
        return [runtime.machine for runtime in list(self._runtimes.values())]

    @staticmethod
    def _set(instance: Instance, state: str, reason: StateReason | None = None) -> None:
        instance._state = InstanceState(state, STATES[state])
        instance.state_reason = reason or StateReason()
        initiator = {"Client.UserInitiatedShutdown": "User initiated", "Client.InstanceInitiatedShutdown": "Instance initiated"}
        who = initiator.get(instance.state_reason.code, "Server" if reason else "")
        instance._reason = f"{who} ({datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} GMT)" if who else ""

    def _next_public_address(self) -> str:
        with self._lock:
            address = self.settings.public_address(self._addresses)
            self._addresses += 1
            return address

    # What the metadata service asks

    def facts(self, address: str) -> InstanceFacts | None:
        runtime = self._by_private_address(address)
        if runtime is None or runtime.attachment is None:
            return None
        instance = runtime.instance
        profile_arn, role = self._profile(instance)
        options = instance.metadata_options
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()} if options.instance_metadata_tags == "enabled" else None
        return InstanceFacts(
            instance_id=instance.id,
            instance_type=instance.instance_type,
            image_id=instance.image_id,
            region=instance.region_name,
            zone=instance.availability_zone or "",
            private_address=runtime.attachment.private_address,
            public_address=runtime.attachment.public_address,
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
            tags=tags,
        )

    def metadata_delay(self, address: str) -> float:
        runtime = self._by_private_address(address)
        if runtime is None:
            return 0
        return runtime.machine.booted_at + self.faults.metadata_delay_seconds - time.time()

    def _by_private_address(self, address: str) -> Runtime | None:
        for runtime in list(self._runtimes.values()):
            if runtime.attachment and runtime.attachment.private_address == address and runtime.machine.leader():
                return runtime
        return None

    @staticmethod
    def _profile(instance: Instance) -> tuple[str | None, str | None]:
        association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
        if association is None:
            return None, None
        profile = association.iam_instance_profile
        return profile.arn, profile.roles[0].name if profile.roles else None

    def credentials(self, facts: InstanceFacts) -> Credentials:
        """The instance role's session, renewed an hour before its end."""
        with self._lock:
            key = f"{facts.instance_id}/{facts.role}"
            found = self._sessions.get(key)
            now = datetime.now(timezone.utc)
            if found is None or found[0].expires < now + timedelta(hours=1):
                given = Credentials(
                    access_key="ASIA" + secrets.token_hex(8).upper(),
                    secret_key=secrets.token_urlsafe(30),
                    token=secrets.token_urlsafe(120),
                    expires=now + timedelta(hours=6),
                )
                arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{facts.role}/{facts.instance_id}"
                found = (given, arn)
                self._sessions[key] = found
            return found[0]

    def session(self, access_key: str) -> tuple[Credentials, str] | None:
        """Credentials that the metadata service gave out, and whose they are."""
        with self._lock:
            return next((found for found in self._sessions.values() if found[0].access_key == access_key), None)

    # Networking

    def _rules(self, instance: Instance) -> tuple[list[Rule], list[Rule]]:
        directions: tuple[list[Rule], list[Rule]] = ([], [])
        groups = {group.id: group for group in [*instance.security_groups, *instance.nics[0].group_set]}
        for group in groups.values():
            for rules, found in zip((group.ingress_rules, group.egress_rules), directions, strict=True):
                for rule in rules:
                    ports = (None, None) if rule.from_port is None else (int(rule.from_port), int(rule.to_port))
                    cidrs = [value for name, value in rule.ip_range.items() if name.startswith("Cidr")]
                    if rule.source_group:
                        cidrs += self._members(rule.source_group.get("GroupId", ""))
                    found.extend(Rule(rule.ip_protocol or "-1", *ports, cidr) for cidr in cidrs if cidr)
        return directions

    def _members(self, group_id: str) -> list[str]:
        return [
            f"{runtime.attachment.private_address}/32"
            for runtime in list(self._runtimes.values())
            if runtime.attachment and any(group.id == group_id for group in runtime.instance.security_groups)
        ]

    def refresh_rules(self) -> None:
        """After a change of a security group."""
        for runtime in list(self._runtimes.values()):
            with runtime.lock:
                if runtime.attachment and runtime.machine.leader():
                    self.network.set_rules(runtime.attachment, *self._rules(runtime.instance))

    # Instances

    def _check_capacity(self, instance_type: str) -> None:
        if any(fnmatch.fnmatch(instance_type, pattern) for pattern in self.faults.no_capacity):
            raise EC2ClientError(
                "InsufficientInstanceCapacity",
                f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested. "
                "Our system will be working on provisioning additional capacity.",
            )

    def _check_launch(self, backend: EC2Backend, image: str, kwargs: dict[str, Any]) -> None:
        if image not in backend.amis:
            raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
        instance_type = kwargs["instance_type"]
        wanted = refusals.architecture(instance_type)
        found = backend.amis[image].architecture
        if found != wanted:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"The architecture '{wanted}' of the specified instance type does not match the architecture '{found}' "
                "of the specified AMI. Specify an instance type and an AMI that have matching architectures.",
            )
        self._check_capacity(instance_type)
        for mapping in kwargs.get("block_device_mappings", []):
            if mapping["DeviceName"] != backend.amis[image].root_device_name:
                raise EC2ClientError("UnsupportedOperation", "The simulation attaches further volumes by AttachVolume only")

    @staticmethod
    def _choose_subnet(backend: EC2Backend, kwargs: dict[str, Any]) -> None:
        """Without a subnet, EC2 takes the default one of the zone."""
        nics = kwargs.get("nics") or []
        if kwargs.get("subnet_id") or any("SubnetId" in nic for nic in nics):
            return
        subnets = backend.get_default_subnets()
        zone = kwargs.get("placement") or min(subnets)
        if nics:
            nics[0]["SubnetId"] = subnets[zone].id
        else:
            kwargs["subnet_id"] = subnets[zone].id

    def _launched(self, instance: Instance, mappings: list[dict[str, Any]]) -> None:
        kept = any(str(mapping["Ebs"].get("DeleteOnTermination", "")).lower() == "false" for mapping in mappings)
        for _, device in instance.get_block_device_mapping:
            device.delete_on_termination = not kept
        instance.nics[0].delete_on_termination = True
        instance.security_groups = list(instance.nics[0].group_set)
        folder = self.settings.state / "instances" / instance.id
        runtime = Runtime(instance, Machine(instance.id, folder, self._template, self._control_groups))
        self._runtimes[instance.id] = runtime
        self._pending(runtime, first=True)

    def _pending(self, runtime: Runtime, first: bool) -> None:
        instance = runtime.instance
        self._set(instance, "pending")
        instance.launch_time = datetime.now(timezone.utc).replace(tzinfo=None)
        if instance.nics[0].public_ip_auto_assign:
            instance.nics[0].public_ip = self._next_public_address()
        threading.Thread(target=self._boot, args=(runtime, first), daemon=True).start()

    def _boot(self, runtime: Runtime, first: bool) -> None:
        instance = runtime.instance
        time.sleep(self._pending_seconds)
        with runtime.lock:
            if instance.state != "pending" or self.stopped:
                return self._power_is_off(runtime)
            if any(fnmatch.fnmatch(instance.instance_type, pattern) for pattern in self.faults.no_capacity_late):
                instance.nics[0].public_ip = None
                self._set(instance, "shutting-down" if first else "stopped", NO_CAPACITY)
                return self._terminated(runtime, NO_CAPACITY) if first else None
            try:
                self._power_on(runtime)
            except Exception as error:
                traceback.print_exc()
                reason = StateReason(f"Server.InternalError: {error}", "Server.InternalError")
                self._set(instance, "shutting-down" if first else "stopped", reason)
                self._unplug(runtime)
                if first:
                    self._terminated(runtime, reason)

    def _power_on(self, runtime: Runtime) -> None:
        instance = runtime.instance
        subnet = instance.ec2_backend.get_subnet(instance.subnet_id)
        attachment = Attachment(instance.id, instance.private_ip or "", subnet.cidr_block, instance.public_ip)
        for other in list(self._runtimes.values()):
            if other.attachment and other.attachment.private_address == attachment.private_address:
                raise RuntimeError(f"the simulation has one address space, and {attachment.private_address} is in use")
        runtime.attachment = attachment
        self.network.plug_in(attachment, *self._rules(instance))
        devices = {}
        for name, block in instance.get_block_device_mapping:
            if name != instance.root_device_name and name != "/dev/sda1":
                devices[block.volume_id] = self._open_volume(instance.ec2_backend, block.volume_id)
        runtime.machine.power_on(attachment, devices, lambda: self._power_is_off(runtime))
        self._set(instance, "running")

    def _unplug(self, runtime: Runtime) -> None:
        if runtime.attachment:
            self.network.unplug(runtime.attachment)
            runtime.attachment = None
        for name, block in runtime.instance.get_block_device_mapping:
            if name != runtime.instance.root_device_name:
                self.volumes.close(block.volume_id)

    def _power_is_off(self, runtime: Runtime) -> None:
        """The machine is off, whoever did it: brings the instance to stopped or terminated."""
        instance = runtime.instance
        with runtime.lock:
            self._unplug(runtime)
            if instance.state in ("running", "pending"):
                ends = instance.instance_initiated_shutdown_behavior == "terminate"
                self._set(instance, "shutting-down" if ends else "stopping", INSTANCE_INITIATED)
        if not self.stopped:
            time.sleep(self._stopping_seconds)
        with runtime.lock:
            reason = instance.state_reason
            if instance.state == "stopping":
                if instance.nics[0].public_ip_auto_assign:
                    instance.nics[0].public_ip = None
                self._set(instance, "stopped", reason)
            elif instance.state == "shutting-down":
                self._terminated(runtime, reason)

    @property
    def _pending_seconds(self) -> float:
        chosen = self.faults.pending_seconds
        return self.settings.pending_seconds if chosen is None else chosen

    @property
    def _stopping_seconds(self) -> float:
        chosen = self.faults.stopping_seconds
        return self.settings.stopping_seconds if chosen is None else chosen

    def _terminated(self, runtime: Runtime, reason: StateReason) -> None:
        instance = runtime.instance
        _moto_terminate(instance)
        instance.iam_instance_profile = None
        self._set(instance, "terminated", reason)
        runtime.machine.delete()

    def _stop(self, runtime: Runtime) -> None:
        instance = runtime.instance
        with runtime.lock:
            if instance.state in ("stopping", "stopped"):
                return
            if instance.state != "running":
                raise _incorrect_state(instance.id, "stopped")
            self._set(instance, "stopping", USER_INITIATED)
        self._press(runtime)

    @staticmethod
    def _press(runtime: Runtime) -> None:
        # EC2 gives the operating system a few minutes to power off.
        threading.Thread(target=runtime.machine.press_power_button, args=(180,), daemon=True).start()

    def _start(self, runtime: Runtime) -> None:
        instance = runtime.instance
        with runtime.lock:
            if instance.state in ("pending", "running"):
                return
            if instance.state != "stopped":
                raise _incorrect_state(instance.id, "started")
            self._check_capacity(instance.instance_type)
            self._pending(runtime, first=False)

    def _terminate(self, runtime: Runtime) -> None:
        instance = runtime.instance
        with runtime.lock:
            before = instance.state
            if before in ("shutting-down", "terminated"):
                return
            self._set(instance, "shutting-down", USER_INITIATED)
        if before == "running":
            self._press(runtime)
        elif before == "stopped":
            threading.Thread(target=self._power_is_off, args=(runtime,), daemon=True).start()
        # pending and stopping: the thread that brings the machine up or down sees the new state.

    # Volumes

    def _open_volume(self, backend: EC2Backend, volume_id: str) -> str:
        self.volumes.ensure(volume_id, int(backend.get_volume(volume_id).size))
        return self.volumes.open(volume_id)

    def _check_attachment(self, backend: EC2Backend, volume_id: str, instance_id: str, device: str) -> Runtime:
        volume = backend.get_volume(volume_id)
        instance = backend.get_instance(instance_id)
        if volume.attachment:
            raise EC2ClientError("VolumeInUse", f"{volume_id} is already attached to an instance")
        if volume.availability_zone != instance.availability_zone:
            raise EC2ClientError(
                "InvalidVolume.ZoneMismatch", f"The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'"
            )
        if instance.state not in ("running", "stopped"):
            raise EC2ClientError("IncorrectState", f"Instance '{instance_id}' is not 'running'.")
        if device in dict(instance.get_block_device_mapping):
            raise EC2ClientError("InvalidParameterValue", f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use")
        return self._runtimes[instance_id]

    def _plug(self, backend: EC2Backend, runtime: Runtime, volume_id: str) -> None:
        with runtime.lock:
            if runtime.machine.leader():
                runtime.machine.plug(volume_id, self._open_volume(backend, volume_id))

    def _detach(self, backend: EC2Backend, volume_id: str, instance_id: str, device: str, original: Callable[..., Any]) -> Any:
        volume = backend.get_volume(volume_id)
        attachment = volume.attachment
        if attachment is None or (instance_id and attachment.instance.id != instance_id):
            raise EC2ClientError("IncorrectState", f"Volume '{volume_id}' is in the 'available' state.")
        runtime = self._runtimes[attachment.instance.id]
        if runtime.machine.leader() and runtime.machine.has_mounted(self._open_volume(backend, volume_id)):
            # As on EC2: detaching a mounted volume waits until it is unmounted or the machine is off.
            attachment.status = "detaching"
            threading.Thread(
                target=self._detach_when_free, args=(backend, runtime, volume_id, device, original), daemon=True
            ).start()
            return attachment
        return self._detach_now(backend, runtime, volume_id, device, original)

    def _detach_when_free(self, backend: EC2Backend, runtime: Runtime, volume_id: str, device: str, original: Callable[..., Any]) -> None:
        while runtime.machine.leader() and runtime.machine.has_mounted(self._open_volume(backend, volume_id)):
            time.sleep(0.2)
        if backend.get_volume(volume_id).attachment:
            self._detach_now(backend, runtime, volume_id, device, original)

    def _detach_now(self, backend: EC2Backend, runtime: Runtime, volume_id: str, device: str, original: Callable[..., Any]) -> Any:
        with runtime.lock:
            runtime.machine.unplug(volume_id)
            self.volumes.close(volume_id)
            return original(backend, volume_id, runtime.instance.id, device)

    # moto, replaced

    def install(self) -> None:
        """Puts this class in charge of moto's instances and volumes."""
        cloud = self
        run_instances, attach_volume = EC2Backend.run_instances, EC2Backend.attach_volume
        detach_volume, delete_volume, modify_volume = EC2Backend.detach_volume, EC2Backend.delete_volume, EC2Backend.modify_volume

        def launch(backend: EC2Backend, image_id: str, count: int, user_data: Any, security_group_names: list[str], **kwargs: Any) -> Any:
            cloud._check_launch(backend, image_id, kwargs)
            if user_data is not None and len(base64.b64decode(str(user_data))) > 16384:
                raise EC2ClientError("InvalidParameterValue", "User data is limited to 16384 bytes")
            cloud._choose_subnet(backend, kwargs)
            for nic in kwargs.get("nics") or []:
                refusals.check_groups(backend, nic["SubnetId"], nic.get("Groups") or [])
            cloud._launching.now = True
            try:
                reservation = run_instances(backend, image_id, count, user_data, security_group_names, **kwargs)
            finally:
                cloud._launching.now = False
            for instance in reservation.instances:
                cloud._launched(instance, kwargs.get("block_device_mappings", []))
            return reservation

        def change(backend: EC2Backend, instance_ids: list[str], action: Callable[[Runtime], None]) -> list[tuple[Instance, InstanceState]]:
            changed = []
            for instance in backend.get_multi_instances_by_id(instance_ids):
                before = instance._state
                action(cloud._runtimes[instance.id])
                changed.append((instance, before))
            return changed

        def terminate(backend: EC2Backend, instance_ids: list[str]) -> list[tuple[Instance, InstanceState]]:
            for instance in backend.get_multi_instances_by_id(instance_ids):
                if instance.disable_api_termination:
                    raise EC2ClientError(
                        "OperationNotPermitted",
                        f"The instance '{instance.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
                    )
            return change(backend, instance_ids, cloud._terminate)

        def attach(backend: EC2Backend, volume_id: str, instance_id: str, device_path: str, delete_on_termination: bool = False) -> Any:
            if getattr(cloud._launching, "now", False):
                return attach_volume(backend, volume_id, instance_id, device_path, delete_on_termination)
            runtime = cloud._check_attachment(backend, volume_id, instance_id, device_path)
            attachment = attach_volume(backend, volume_id, instance_id, device_path, delete_on_termination)
            cloud._plug(backend, runtime, volume_id)
            return attachment

        def detach(backend: EC2Backend, volume_id: str, instance_id: str, device_path: str) -> Any:
            return cloud._detach(backend, volume_id, instance_id, device_path, detach_volume)

        def delete(backend: EC2Backend, volume_id: str) -> Any:
            deleted = delete_volume(backend, volume_id)
            cloud.volumes.delete(volume_id)
            return deleted

        def modify(backend: EC2Backend, volume_id: str, target_size: int | None = None, *args: Any, **kwargs: Any) -> Any:
            volume = backend.get_volume(volume_id)
            target_size = int(target_size) if target_size else None
            if target_size is not None and target_size < int(volume.size):
                raise EC2ClientError("InvalidParameterValue", "New size cannot be smaller than existing size")
            changed = modify_volume(backend, volume_id, target_size, *args, **kwargs)
            if volume.attachment:
                cloud.volumes.ensure(volume_id, int(volume.size))
            return changed

        EC2Backend.run_instances = launch
        EC2Backend.start_instances = lambda backend, ids: change(backend, ids, cloud._start)
        EC2Backend.stop_instances = lambda backend, ids: change(backend, ids, cloud._stop)
        EC2Backend.terminate_instances = terminate
        EC2Backend.reboot_instances = lambda backend, ids: change(backend, ids, lambda runtime: runtime.machine.reboot())
        EC2Backend.attach_volume = attach
        EC2Backend.detach_volume = detach
        EC2Backend.delete_volume = delete
        EC2Backend.modify_volume = modify
        refusals.install()
        for action, member in (("start", "StartingInstances"), ("stop", "StoppingInstances"), ("terminate", "TerminatingInstances")):
            setattr(InstanceResponse, f"{action}_instances", _state_changes(action, member))
        General.get_console_output = self._console_output()

    def _console_output(self) -> Callable[[General], ActionResult]:
        cloud = self

        def answer(response: General) -> ActionResult:
            instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
            console = cloud._runtimes[instance.id].machine.console
            text = console.read_bytes()[-65536:] if console.exists() else b""
            return ActionResult(
                {"InstanceId": instance.id, "Timestamp": datetime.now(timezone.utc), "Output": base64.b64encode(text).decode()}
            )

        return answer

    def pull_the_plug(self, instance_id: str) -> None:
        self._runtimes[instance_id].machine.pull_the_plug()

    def stop(self) -> None:
        """Ends every machine, at once."""
        self.stopped = True
        for runtime in list(self._runtimes.values()):
            runtime.machine.pull_the_plug()
        limit = time.monotonic() + 20
        while time.monotonic() < limit and any(runtime.attachment for runtime in self._runtimes.values()):
            time.sleep(0.1)
        self.volumes.stop()


_moto_terminate = Instance.terminate


def _state_changes(action: str, member: str) -> Callable[[InstanceResponse], ActionResult]:
    """moto answers with the state it expects; this answers with the one it is."""

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


def _incorrect_state(instance_id: str, wanted: str) -> EC2ClientError:
    return EC2ClientError(
        "IncorrectInstanceState", f"The instance '{instance_id}' is not in a state from which it can be {wanted}."
    )


