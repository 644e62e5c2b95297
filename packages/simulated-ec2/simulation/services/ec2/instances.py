"""Instances: their states, with their delays, as their machines go on and off."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance

from ...faults import Faults, is_among
from ...host.block_devices import BlockDevices
from ...host.emulation import Emulation
from ...host.machine import Machine
from ...host.network import Attachment, Network
from ...settings import Settings
from .groups import refresh, rules_of
from .runtime import INSTANCE_INITIATED, NO_CAPACITY, USER_INITIATED, Runtime, StateReason, incorrect_state, internal_error

#: EC2 gives the operating system a few minutes to power off.
PATIENCE_SECONDS = 180
_moto_terminate = Instance.terminate


@dataclass(frozen=True)
class Hardware:
    """What machines are made of and plugged into."""

    network: Network
    block_devices: BlockDevices
    #: The root file system that every machine begins with.
    template: Path
    control_groups: Path


class Instances:
    def __init__(self, settings: Settings, faults: Faults, hardware: Hardware) -> None:
        self.settings = settings
        self.faults = faults
        self.hardware = hardware
        self._runtimes: dict[str, Runtime] = {}
        self._lock = threading.Lock()
        self._addresses = 0
        self._stopped = False

    def __getitem__(self, instance_id: str) -> Runtime:
        return self._runtimes[instance_id]

    def all(self) -> list[Runtime]:
        return list(self._runtimes.values())

    def at(self, private_address: str) -> Runtime | None:
        """The instance whose machine is on and has this address."""
        for runtime in self.all():
            if runtime.attachment and runtime.attachment.private_address == private_address and runtime.machine.leader():
                return runtime
        return None

    # What is asked of an instance

    def add(self, instance: Instance) -> None:
        """Launches what moto has made a record of."""
        folder = self.settings.state / "instances" / instance.id
        runtime = Runtime(instance, Machine(instance.id, folder, self.hardware.template, self.hardware.control_groups / instance.id))
        self._runtimes[instance.id] = runtime
        self._pend(runtime, first=True)

    def start(self, runtime: Runtime) -> None:
        with runtime.lock:
            if runtime.instance.state in ("pending", "running"):
                return
            if runtime.instance.state != "stopped":
                raise incorrect_state(runtime.instance.id, "started")
            self._pend(runtime, first=False)

    def stop(self, runtime: Runtime) -> None:
        with runtime.lock:
            if runtime.instance.state in ("stopping", "stopped"):
                return
            if runtime.instance.state != "running":
                raise incorrect_state(runtime.instance.id, "stopped")
            runtime.set("stopping", USER_INITIATED)
        self._press(runtime)

    def terminate(self, runtime: Runtime) -> None:
        with runtime.lock:
            before = runtime.instance.state
            if before in ("shutting-down", "terminated"):
                return
            runtime.set("shutting-down", USER_INITIATED)
        if before == "running":
            self._press(runtime)
        elif before == "stopped":
            threading.Thread(target=self._power_is_off, args=(runtime,), daemon=True).start()
        # pending and stopping: the thread that brings the machine up or down sees the new state.

    def end(self) -> None:
        """Powers every machine off, at once."""
        self._stopped = True
        for runtime in self.all():
            runtime.machine.pull_the_plug()
        limit = time.monotonic() + 20
        while time.monotonic() < limit and any(runtime.attachment for runtime in self.all()):
            time.sleep(0.1)

    @staticmethod
    def _press(runtime: Runtime) -> None:
        threading.Thread(target=runtime.machine.press_power_button, args=(PATIENCE_SECONDS,), daemon=True).start()

    # Going up

    def _next_public_address(self) -> str:
        with self._lock:
            address = self.settings.public_address(self._addresses)
            self._addresses += 1
            return address

    def _pend(self, runtime: Runtime, first: bool) -> None:
        instance = runtime.instance
        runtime.set("pending")
        instance.launch_time = datetime.now(timezone.utc).replace(tzinfo=None)
        if instance.nics[0].public_ip_auto_assign:
            instance.nics[0].public_ip = self._next_public_address()
        threading.Thread(target=self._boot, args=(runtime, first), daemon=True).start()

    def _boot(self, runtime: Runtime, first: bool) -> None:
        instance = runtime.instance
        time.sleep(self.faults.seconds("pending", self.settings))
        with runtime.lock:
            if instance.state != "pending" or self._stopped:
                return self._power_is_off(runtime)
            if is_among(instance.instance_type, self.faults.no_capacity_late):
                instance.nics[0].public_ip = None
                return self._fall_back(runtime, NO_CAPACITY, first)
            try:
                self._power_on(runtime)
            except Exception as error:
                traceback.print_exc()
                self._unplug(runtime)
                self._fall_back(runtime, internal_error(error), first)
        # Rules of other instances may name a group that this one has.
        refresh(self.hardware.network, self.all())

    def _fall_back(self, runtime: Runtime, reason: StateReason, first: bool) -> None:
        """An instance that cannot be started is stopped, or terminated if it never ran."""
        if first:
            self._terminated(runtime, reason)
        else:
            runtime.set("stopped", reason)

    def _power_on(self, runtime: Runtime) -> None:
        instance = runtime.instance
        subnet = instance.ec2_backend.get_subnet(instance.subnet_id)
        attachment = Attachment(instance.id, instance.private_ip or "", subnet.cidr_block, instance.public_ip)
        for other in self.all():
            if other.attachment and other.attachment.private_address == attachment.private_address:
                raise RuntimeError(f"the simulation has one address space, and {attachment.private_address} is in use")
        runtime.attachment = attachment
        self.hardware.network.plug_in(attachment, *rules_of(instance, self.all()))
        devices = {}
        for name, block in instance.get_block_device_mapping:
            if name not in (instance.root_device_name, "/dev/sda1"):
                size = int(instance.ec2_backend.get_volume(block.volume_id).size)
                devices[block.volume_id] = self.hardware.block_devices.open(block.volume_id, size)
        memory = INSTANCE_TYPES[instance.instance_type]["MemoryInfo"]["SizeInMiB"] * 2**20
        runtime.machine.power_on(attachment, devices, memory, lambda: self._power_is_off(runtime))
        runtime.set("running")

    # Going down

    def _unplug(self, runtime: Runtime) -> None:
        if runtime.attachment:
            self.hardware.network.unplug(runtime.attachment)
            runtime.attachment = None
        for name, block in runtime.instance.get_block_device_mapping:
            if name != runtime.instance.root_device_name:
                self.hardware.block_devices.close(block.volume_id)

    def _power_is_off(self, runtime: Runtime) -> None:
        """The machine is off, whoever did it: brings the instance to stopped or terminated."""
        instance = runtime.instance
        Emulation.forget(runtime.machine.machine_id())
        with runtime.lock:
            self._unplug(runtime)
            if instance.state in ("running", "pending"):
                ends = instance.instance_initiated_shutdown_behavior == "terminate"
                runtime.set("shutting-down" if ends else "stopping", INSTANCE_INITIATED)
        if not self._stopped:
            time.sleep(self.faults.seconds("stopping", self.settings))
        with runtime.lock:
            reason = instance.state_reason
            if instance.state == "stopping":
                if instance.nics[0].public_ip_auto_assign:
                    instance.nics[0].public_ip = None
                runtime.set("stopped", reason)
            elif instance.state == "shutting-down":
                self._terminated(runtime, reason)

    @staticmethod
    def _terminated(runtime: Runtime, reason: StateReason) -> None:
        _moto_terminate(runtime.instance)
        runtime.instance.iam_instance_profile = None
        runtime.set("terminated", reason)
        runtime.machine.delete()
